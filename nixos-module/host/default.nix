# What a host needs to run declared containers: the daemon, and what is around it.
{
  imports = [
    ./daemon.nix
    ./package.nix
    ./service.nix
    ./declaration.nix
    ./check.nix
    ./people.nix
    ./kernel.nix
    ./network.nix
    ./catalog.nix
    ./aliases.nix
  ];
}
