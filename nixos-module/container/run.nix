# What runs in a container, and what people run in it.
{ lib, preset, ... }:

let
  inherit (lib) mkOption types;
  words = types.listOf types.str;
  orNull = type: what: mkOption {
    type = types.nullOr type;
    default = null;
    inherit (what) description example;
  };
in
{
  options = {
    units = mkOption {
      type = words;
      default = [ ];
      example = [ "caddy.service" ];
      description = ''
        Units that its boot pulls in besides the default target, for a `tree` or a `directory`. A NixOS guest
        has `wantedBy` for it.
      '';
    };

    command = mkOption {
      type = words;
      default = [ ];
      example = [ "/usr/bin/python3" "-m" "http.server" "8080" ];
      description = ''
        The one process that runs, in place of a boot: an absolute path in the guest and its arguments. Only
        with a `tree` or a `directory`.
      '';
    };

    workingDirectory = orNull types.str {
      example = "/srv/www";
      description = "Where `command` starts.";
    };

    environment = mkOption {
      type = types.attrsOf types.str;
      default = { };
      example = { LANG = "C.UTF-8"; };
      description = "Variables for the guest's init or its `command`. Everybody can read them: a secret belongs into `credentials`.";
    };

    after = mkOption {
      type = words;
      default = [ ];
      example = [ "ml/ollama" ];
      description = "Containers that are ready before this one starts, as `<group>/<name>`.";
    };

    startTimeout = orNull types.str {
      example = "15min";
      description = "How long it may take from its start until it is ready; 90 seconds where nothing is said.";
    };

    restart = {
      policy = orNull (types.enum [ "never" "on-failure" "always" ]) {
        example = "always";
        description = "When it is started again after it ended by itself: `on-failure` where nothing is said.";
      };
      delay = orNull types.str {
        example = "5s";
        description = "The pause before the first restart: `1s` where nothing is said. Later ones grow.";
      };
      maxDelay = orNull types.str {
        example = "5min";
        description = "The longest pause: `1min` where nothing is said.";
      };
      window = orNull types.str {
        example = "10min";
        description = "A run of this length ends a row of failures: `1min` where nothing is said.";
      };
      onUnhealthy = orNull types.bool {
        example = true;
        description = "Whether a container that turns unhealthy is restarted. Needs `health`.";
      };
    };

    actions = mkOption {
      type = types.attrsOf (
        types.submodule {
          options = {
            command = mkOption {
              type = words;
              example = [ "psql" ];
              description = "The command, looked for in the guest's PATH. What a caller adds is appended.";
            };
            user = orNull types.str {
              example = "postgres";
              description = "The user of the guest who runs it; root where none is named.";
            };
            terminal = mkOption {
              type = types.bool;
              default = false;
              description = "Whether it wants a terminal.";
            };
          };
        }
      );
      default = { };
      example = {
        psql = {
          command = [ "psql" ];
          user = "postgres";
          terminal = true;
        };
      };
      description = "Commands that people run by a name: `ctr dev run postgres psql`.";
    };

    users = mkOption {
      type = types.enum [ "own" "host" ];
      default = "own";
      description = ''
        Whose users it runs as: a range of its own, so that its root is nobody on the host, or the host's.
      '';
    };

    capabilities = mkOption {
      type = words;
      default = [ ];
      example = [ "CAP_IPC_LOCK" ];
      description = "What it may besides what every container of its kind gets, as capabilities(7) writes it.";
    };
  }
  # A preset boots, so there is no user of a command: the name is free for an option of its own.
  // lib.optionalAttrs (!preset) {
    user = orNull types.str {
      example = "www-data";
      description = "The user of the guest who runs `command`; root where none is named.";
    };
  };
}
