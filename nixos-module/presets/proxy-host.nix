# What the host has to do with dev/proxy: the names that it answers to, and what it cannot lead to.
{ config, lib, ... }:

let
  cfg = config.kernelcore.containers;
  inherit (cfg.dev) proxy;
  enabled = cfg.dev.enable && proxy.enable;

  services = import ./routes.nix {
    inherit lib;
    containers = cfg;
  };
  names = lib.attrNames proxy.routes;

  isName = name: builtins.match "[a-z0-9]([a-z0-9.-]*[a-z0-9])?" name != null;
  option = "kernelcore.containers.dev.proxy";

  sentences =
    map (
      group:
      "${option}.groups: no group `${group}` is enabled. There are ${
        lib.concatMapStringsSep ", " (it: "`${it}`") (lib.attrNames cfg.allGroups)
      }."
    ) (lib.subtractLists (lib.attrNames cfg.allGroups) (if proxy.groups == null then [ ] else proxy.groups))
    ++ map (
      name: "${option}.routes: `${name}` is no name of a host. Write one like `grafana.home.internal`, without scheme and port."
    ) (lib.filter (name: !isName name) names);
in
{
  assertions = lib.mkIf enabled (
    map (message: {
      assertion = false;
      inherit message;
    }) sentences
  );

  # A browser of the host finds them by these.
  networking.hosts = lib.mkIf (enabled && proxy.hostNames && proxy.address != null) {
    ${proxy.address} = map (it: "${it.name}.internal") services ++ names;
  };
}
