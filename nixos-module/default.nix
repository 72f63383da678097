# The NixOS module of ctr: `kernelcore.containers` declares containers in groups, ctrd runs them.
{
  imports = [
    ./options.nix
    ./assertions
    ./presets/reach.nix
    ./presets/proxy-host.nix
    ./warnings.nix
    ./host
  ];
}
