# What can be said of a container: the options that all have, presets too. Values of the declaration have its
# types, so that a wrong one is refused where it is written.
#
# Beside the usual arguments there are `group`, the container's group ({ name, subnet, hostOffset, … }), `preset`,
# whether it is one of ours, and `host`, the host's { config, options, pkgs }.
{
  imports = [
    ./identity.nix
    ./root.nix
    ./guest.nix
    ./run.nix
    ./network.nix
    ./storage.nix
    ./limits.nix
    ./health.nix
    ./gpu.nix
    ./old-words.nix
    ./declared.nix
  ];
}
