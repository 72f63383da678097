# Evaluates the guests of presets, without packages and without NixOS:
#
#   import ./guest.nix { lib = "/path/of/nixpkgs/lib"; } { configuration = { … }; }
#
# is { containers.<group>.<name>, guest = group: name: … }: the options of the containers that are declared, and
# the configuration of a guest. `release` is the NixOS that the guest is evaluated as.
#
# What stands for NixOS (./stub) has the names of its options and of its packages, as they were read in nixpkgs'
# sources, and none of what NixOS makes of them: that `services.ollama.prot` does not exist is found here, that
# Ollama does not start is not.
{ lib }:

let
  library = import lib;
in
{
  configuration,
  release ? "25.11",
  allowUnfree ? true,
}:

let
  packages = import ./stub/packages.nix { lib = library; inherit release; } // {
    config = { inherit allowUnfree; };
  };
  host = import ./evaluate.nix { inherit lib configuration; };
  groups = host.config.kernelcore.containers.allGroups;
  containers = library.mapAttrs (_: it: library.filterAttrs (_: it: it.enable) it.containers) groups;
in
{
  inherit containers;

  # The host's own result: its problems, or the declaration. And its configuration.
  inherit (host) result;
  host = host.config;

  guest =
    group: name:
    let
      container = containers.${group}.${name};
      base = import ../../nixos-module/guest {
        host = {
          inherit (host) config options;
          pkgs = packages;
        };
        inherit container;
        option = "kernelcore.containers.${group}.${name}.config";
      };
    in
    (library.evalModules {
      modules = [
        (import ./stub/nixos.nix { inherit release; })
        (import ./stub/services-of-dev.nix { inherit release; })
        { _module.args.pkgs = packages; }
        base
        container.config
      ];
    }).config;
}
