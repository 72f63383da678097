# What ctrd would refuse is refused when the host is built, with ctrd's words. No virtual machine is needed.
{ pkgs }:

let
  inherit (pkgs) lib;
  host = import (pkgs.path + "/nixos/lib/eval-config.nix") {
    system = null;
    modules = [
      ../../nixos-module
      {
        nixpkgs.pkgs = pkgs;
        system.stateVersion = "25.11";
        kernelcore.containers.groups.lab = {
          enable = true;
          subnet = "10.77.3.0/24";
          # The options take any size. That nothing can start with this one is for ctrd to say.
          small = import ./lib/web.nix { text = "small"; } // {
            limits.memoryMax = "1K";
          };
        };
      }
    ];
  };
  check = lib.findFirst (it: it.name or "" == "ctr-declaration-check") (throw "the host has no check") host.config.system.checks;
  refused = pkgs.testers.testBuildFailure check;
in
pkgs.runCommand "a-bad-declaration-fails-the-build" { } ''
  grep memory-max ${refused}/testBuildFailure.log
  touch $out
''
