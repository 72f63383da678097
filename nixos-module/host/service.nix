# ctrd.service: the unit of the package, and what NixOS has to add to it.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  cfg = config.kernelcore.containers.daemon;
in
{
  config = lib.mkIf cfg.enable {
    # What is written below becomes a drop-in of that unit.
    systemd.packages = [ cfg.package ];

    systemd.services.ctrd = {
      # NixOS does not look at a unit's [Install].
      wantedBy = [ "multi-user.target" ];

      # What ctrd runs besides systemd's programs, which every unit of NixOS finds.
      path = [ pkgs.nftables ];

      # A switch compares units. Where this line alone differs it reloads the unit, which is `ctr apply`: it
      # returns when the steps are taken, and the switch fails where it is refused. So a changed declaration is
      # one reload, and ctrd decides about each container.
      reloadTriggers = [ config.environment.etc."ctr/containers.toml".source ];

      # Another ctrd is a restart. Guests are units of their own and run on meanwhile: there is no reason for
      # ctrd to be away while the rest of the switch is done.
      stopIfChanged = false;
    };
  };
}
