# What the presets of dev need of other groups: chat-ui of Ollama, proxy of all that it leads to.
{ config, lib, ... }:

let
  cfg = config.kernelcore.containers;
  inherit (cfg) dev ml;

  routes = import ./routes.nix {
    inherit lib;
    containers = cfg;
  };
  others = lib.filter (it: it.group != "dev") routes;
in
{
  kernelcore.containers.dev.reach = lib.mkIf dev.enable (
    lib.unique (
      lib.optional (dev.chat-ui.enable && ml.enable && ml.ollama.enable) "ml/ollama"
      ++ lib.optionals dev.proxy.enable (map (it: it.reference) others)
    )
  );
}
