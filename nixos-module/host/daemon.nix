# Whether this host runs ctrd at all. Every other file here depends on it.
{ config, lib, ... }:

let
  cfg = config.kernelcore.containers;
in
{
  options.kernelcore.containers.daemon.enable = lib.mkOption {
    type = lib.types.bool;
    default = cfg.allGroups != { };
    defaultText = lib.literalMD "whether some group is enabled";
    example = true;
    description = ''
      Whether this host runs ctrd, the daemon of containers.

      Turned off, or with the last group disabled, it goes with the next switch, and what it has started runs on
      until the host reboots. To take the containers away first, type `ctr down`; or keep this `true` for one more
      switch after the last group has gone, so that ctrd sees that nothing is declared any more.
    '';
  };
}
