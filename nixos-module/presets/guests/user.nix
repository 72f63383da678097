# The user that a guest's service runs as, with a home and the right to use graphics processors.
#
# Its number is fixed (../../lib/users.nix): what is bound into the guest belongs to that number.
{
  name,
  home,
  vendor ? null,
}:

{ lib, options, ... }:

let
  number = (import ../../lib/users.nix).${name};

  # NVIDIA's libraries are the host's, of its driver's version: ctrd mounts them at /run/opengl-driver, where
  # NixOS would make a link to others. AMD's and Intel's are the guest's own, whatever the host has.
  ownLibraries = vendor == "amd" || vendor == "intel";
in
{
  config = lib.mkMerge [
    {
      users.users.${name} = {
        isSystemUser = true;
        uid = number;
        group = name;
        home = lib.mkDefault home;
        # The nodes of AMD's and Intel's are for these groups.
        extraGroups = lib.optionals (vendor != null) [ "render" "video" ];
      };
      users.groups.${name}.gid = number;

      # Not `StateDirectory=`, which would change the owners of all that is bound below it.
      systemd.tmpfiles.rules = [ "d ${home} 0755 ${name} ${name} -" ];
    }

    # `hardware.opengl` until NixOS 24.11.
    (
      if options.hardware ? graphics then
        { hardware.graphics = lib.mkIf ownLibraries { enable = lib.mkDefault true; }; }
      else
        { hardware.opengl = lib.mkIf ownLibraries { enable = lib.mkDefault true; }; }
    )
  ];
}
