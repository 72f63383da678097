# /etc/ctr/containers.toml.
{ config, lib, ... }:

let
  cfg = config.kernelcore.containers;
in
{
  config = lib.mkIf cfg.daemon.enable {
    # As text, so that it can be seen without a build. The store paths in it keep the guests' systems for as long
    # as a generation of the host has them.
    environment.etc."ctr/containers.toml".text = cfg.declarationText;
  };
}
