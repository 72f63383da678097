# A guest's system: `{ name, modules }` -> the store path of it.
{ pkgs }:

{ name, modules }:
let
  system = import (pkgs.path + "/nixos/lib/eval-config.nix") {
    # The platform is said by the guest's base (./base.nix).
    system = null;
    inherit modules;
  };
in
"${system.config.system.build.toplevel}"
