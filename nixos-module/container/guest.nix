# The guest's system, from what root.nix says of it.
{
  config,
  options,
  lib,
  name,
  group,
  preset,
  host,
  ...
}:

let
  inherit (lib) mkOption types;
  base = import ../guest {
    inherit host;
    container = config;
    option = lib.showOption (options.config.loc);
  };
in
{
  options = {
    root = mkOption {
      type = types.attrs;
      internal = true;
      readOnly = true;
      description = "The declaration's `root`. Looked at only where the container is enabled.";
    };

    kinds = mkOption {
      type = types.listOf types.str;
      internal = true;
      readOnly = true;
      description = "Which of the options that say where its files come from are set.";
    };
  };

  config = {
    kinds =
      lib.optional options.config.isDefined "config"
      ++ lib.filter (kind: config.${kind} != null) [
        "system"
        "tree"
        "directory"
      ];

    root =
      if config.tree != null then
        { tree = config.tree; }
      else if config.directory != null then
        { directory = config.directory; }
      else if config.system != null then
        { nixos = "${config.system}"; }
      else
        {
          nixos = host.config.kernelcore.containers.evalContainer {
            name = config.machine;
            modules = [
              base
              config.config
            ];
          };
        };
  };
}
