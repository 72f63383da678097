# NixOS's services that the guests of dev's presets set and read back: their options, with the types and defaults
# that decide how definitions come together. Names, types and defaults are nixpkgs' (nixos/modules/services); what
# NixOS makes of them is not here.
{ release }:

{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;

  option = type: default: mkOption { inherit type default; };
  enable = option types.bool false;
  text = option types.str;
  port = option types.port;
  lines = option types.lines "";
  package = name: option types.package pkgs.${name};

  setting = types.oneOf [ types.bool types.float types.int types.str ];
  has = version: release == "unstable" || lib.versionAtLeast release version;
  renamed = mkOption { visible = false; };
in
{
  options.services = {
    caddy = {
      inherit enable;
      globalConfig = lines;
      extraConfig = lines;
      virtualHosts = option (types.attrsOf types.anything) { };
    };

    code-server = {
      inherit enable;
      auth = option (types.enum [ "none" "password" ]) "password";
      extraArguments = option (types.listOf types.str) (if has "23.11" then [ ] else [ "--disable-telemetry" ]);
      hashedPassword = text "";
      host = text "localhost";
      port = port 4444;
      user = text "code-server";
    }
    // lib.optionalAttrs (has "23.11") {
      disableTelemetry = enable;
      disableUpdateCheck = enable;
    };

    postgresql = {
      inherit enable;
      package = mkOption { type = types.package; };
      dataDir = mkOption { type = types.path; };
      authentication = lines;
      enableTCPIP = enable;
      initdbArgs = option (types.listOf types.str) [ ];
      initialScript = option (types.nullOr types.path) null;
      settings = mkOption {
        default = { };
        type =
          if has "24.05" then
            types.submodule {
              freeformType = types.attrsOf setting;
              options.port = port 5432;
            }
          else
            types.attrsOf setting;
      };
      # Renamed, so that it is still an option, and one that warns.
      port = if has "24.05" then renamed else port 5432;
      extraPlugins = if has "24.11" then renamed else option (types.listOf types.path) [ ];
    }
    // lib.optionalAttrs (has "24.11") {
      extensions = option (types.functionTo (types.listOf types.path)) (_: [ ]);
    };
  }
  // lib.optionalAttrs (has "24.05") {
    open-webui = {
      inherit enable;
      environment = option (types.attrsOf types.str) {
        SCARF_NO_ANALYTICS = "True";
        DO_NOT_TRACK = "True";
        ANONYMIZED_TELEMETRY = "False";
      };
      host = text "127.0.0.1";
      package = package "open-webui";
      port = port 8080;
      stateDir = text "/var/lib/open-webui";
    };
    nextjs-ollama-llm-ui = {
      inherit enable;
      hostname = text "127.0.0.1";
      ollamaUrl = text "127.0.0.1:11434";
      port = port 3000;
    };
  };

  # As NixOS itself defines them, where that meets what a guest says.
  config = lib.mkMerge [
    (lib.mkIf config.services.postgresql.enable {
      services.postgresql = {
        package = lib.mkDefault pkgs.postgresql_17;
        dataDir = lib.mkDefault "/var/lib/postgresql/${config.services.postgresql.package.psqlSchema}";
        authentication = lib.mkAfter "local all all peer\n";
      };
      users.users.postgres.uid = 71;
    })
    (lib.mkIf config.services.code-server.enable {
      users.users.code-server.isNormalUser = true;
      systemd.services.code-server = {
        environment.HASHED_PASSWORD = config.services.code-server.hashedPassword;
        serviceConfig.RuntimeDirectory = config.services.code-server.user;
      };
    })
  ];
}
