# The host's firewall and network managers know of ctrd's interfaces.
{ config, lib, ... }:

let
  cfg = config.kernelcore.containers;

  # The kernel's longest name of an interface has 15 bytes. A group that leaves less room has a bridge called
  # `ctr-<hash>`, which needs no word: all interfaces with such names are ctrd's.
  bridge = group: "br-${group}";
  fits = name: lib.stringLength name <= 15;
in
{
  imports = [ ../tenants.nix ];

  config = lib.mkIf cfg.daemon.enable {
    kernelcore.containers.tenants = {
      enable = lib.mkDefault true;
      bridges = lib.filter fits (map bridge (lib.attrNames cfg.allGroups));
    };
  };
}
