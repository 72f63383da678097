# A service of a guest that is no service of NixOS: a unit as a user of its own, which can write to its home alone.
# What it runs, `systemd.services.<name>.script`, is the importing module's.
{
  name,
  home,
  vendor ? null,
}:

{ lib, ... }:

{
  imports = [ (import ./user.nix { inherit name home vendor; }) ];

  config.systemd.services.${name} = {
    wantedBy = [ "multi-user.target" ];
    after = [ "network.target" ];

    environment = {
      HOME = home;
    }
    # What was not built by Nix (a wheel, a compiler at run time) looks for libcuda.so.1 here.
    // lib.optionalAttrs (vendor == "nvidia") { LD_LIBRARY_PATH = lib.mkDefault "/run/opengl-driver/lib"; };

    serviceConfig = {
      User = name;
      Group = name;
    }
    // lib.mapAttrs (_: lib.mkDefault) {
      Type = "exec";
      WorkingDirectory = home;
      Restart = "on-failure";
      RestartSec = 5;

      NoNewPrivileges = true;
      PrivateTmp = true;
      ProtectHome = true;
      ProtectSystem = "strict";
      ReadWritePaths = [ home ];
    };
  };
}
