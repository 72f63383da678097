# `journalctl --catalog --unit=ctrd` explains what ctrd says of containers.
{ config, lib, pkgs, ... }:

let
  cfg = config.kernelcore.containers.daemon;
  catalog = "/usr/local/lib/systemd/catalog";
  journalctl = "${config.systemd.package}/bin/journalctl";
in
{
  config = lib.mkIf cfg.enable {
    # nixpkgs' systemd looks for catalogs in its own store path and here. Nothing of NixOS makes the database again
    # when a file comes or goes, so one unit does both, and takes the file away when it goes itself.
    systemd.services.ctr-catalog = {
      description = "Explanations of ctrd's messages";
      wantedBy = [ "multi-user.target" ];
      after = [ "systemd-journal-catalog-update.service" ];
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = [
          "${pkgs.coreutils}/bin/install -D -m 644 -t ${catalog} ${cfg.package}/lib/systemd/catalog/ctr.catalog"
          "${journalctl} --update-catalog"
        ];
        ExecStop = [
          "${pkgs.coreutils}/bin/rm -f ${catalog}/ctr.catalog"
          "${journalctl} --update-catalog"
        ];
      };
    };
  };
}
