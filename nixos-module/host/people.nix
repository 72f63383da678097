# Who may do what: the bus lets everybody ask, polkit decides, and operators need no password.
{ config, lib, ... }:

let
  cfg = config.kernelcore.containers.daemon;

  # Without the comments for whoever installs the file by hand.
  code = text: lib.concatStringsSep "\n" (lib.filter (it: !lib.hasPrefix "//" it) (lib.splitString "\n" text));
in
{
  options.kernelcore.containers.daemon.operators = lib.mkOption {
    type = lib.types.listOf lib.types.str;
    default = [ ];
    example = [ "ann" ];
    description = ''
      Users who may do with containers whatever root may, without a password. Give it to nobody who should not be
      root: who enters a container can be its root, with all that was given to it. They become members of the group
      `ctr`. Finer rights are rules in `security.polkit.extraConfig`; what stands there comes before this rule.
    '';
  };

  config = lib.mkIf cfg.enable {
    services.dbus.packages = [ cfg.package ];

    # The actions are in the package, which is among the system's.
    security.polkit.enable = lib.mkDefault true;

    # The first rule that answers decides. A rule of the host's own can take something away where it comes first.
    security.polkit.extraConfig = lib.mkAfter (code (builtins.readFile ../../dist/10-ctr-operators.rules));

    # There without members too, so that somebody can be added by hand.
    users.groups.ctr.members = cfg.operators;
  };
}
