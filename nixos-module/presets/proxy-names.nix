# The names that dev/proxy answers to, in the host's own hosts file: a browser of the host finds it by them.
{ config, lib, ... }:

let
  cfg = config.kernelcore.containers;
  inherit (cfg.dev) proxy;
  routes = import ./routes.nix {
    inherit lib;
    containers = cfg;
  };
in
{
  networking.hosts = lib.mkIf (cfg.dev.enable && proxy.enable && proxy.hostNames && proxy.address != null) {
    ${proxy.address} = map (it: "${it.name}.internal") routes ++ lib.attrNames proxy.routes;
  };
}
