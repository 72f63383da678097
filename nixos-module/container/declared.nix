# A container's table in the declaration.
{ config, lib, preset, ... }:

let
  inherit (import ../lib) table;
  inherit (lib) mapAttrs mapAttrsToList mkOption types;

  port = it: table (it // { publish = if it.publish == null then null else table it.publish; });

  # What is false by default is left out, so that a declaration shows what was said.
  flags = names: it: it // lib.genAttrs names (name: if it.${name} then true else null);

  bind = guest: it: table (flags [ "readOnly" "create" "data" ] (removeAttrs it [ "hostPath" ]) // {
    host = it.hostPath;
    inherit guest;
  });

  # As text: to look at a path without quotes is to copy it to the store, before it is refused.
  credential =
    it:
    if builtins.isAttrs it then
      table (flags [ "generate" ] it // { path = if it.path == null then null else toString it.path; })
    else
      toString it;

  gpu = it: table (
    flags [ "optional" ] it
    // {
      # `devices` narrows a vendor; what `cdi` names is narrow by itself.
      devices = if it.devices == "all" then null else it.devices;
    }
  );

  health = it: table (it // { http = if it.http == null then null else table it.http; });

  unless = default: value: if value == default then null else value;
in
{
  options.declared = mkOption {
    type = types.attrs;
    internal = true;
    readOnly = true;
    description = "Its table in the declaration.";
  };

  config.declared = table {
    inherit (config)
      address
      after
      aliases
      capabilities
      command
      environment
      root
      startTimeout
      workingDirectory
      ;
    user = if preset then null else config.user;
    autostart = config.autoStart;
    description = unless "" config.description;
    enable = config.units;
    ephemeral = unless false config.ephemeral;
    users = unless "own" config.users;
    missing = if config.missing == null then null else table config.missing;
    ports = mapAttrsToList (_: port) config.ports;
    binds = mapAttrsToList bind config.binds;
    files = mapAttrs (_: it: { inherit (it) text mode; }) config.files;
    credentials = mapAttrs (_: credential) config.credentials;
    limits = table config.limits;
    restart = table config.restart;
    health = if config.health == null then null else health config.health;
    gpu = if config.gpu == null then null else gpu config.gpu;
    actions = mapAttrs (_: it: table (flags [ "terminal" ] it)) config.actions;
  };
}
