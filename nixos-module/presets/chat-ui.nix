# A chat in the browser, with the models of ml/ollama.
{
  config,
  host,
  lib,
  ...
}:

let
  inherit (lib) mkDefault mkIf mkOption types;
  uids = import ../lib/users.nix;

  openWebui = config.backend == "open-webui";

  ml = host.config.kernelcore.containers.ml;
  ollama = ml.enable && ml.ollama.enable;
  # The guest asks for it by its name. The other backend also lets the browser ask, which knows the address only.
  place = if openWebui then "ollama.ml" else ml.ollama.address;
in
{
  options = {
    port = mkOption {
      type = types.port;
      default = 3000;
      description = "The port that it listens on.";
    };

    backend = mkOption {
      type = types.enum [
        "open-webui"
        "nextjs-ollama-llm-ui"
      ];
      default = "open-webui";
      description = ''
        Which program it is. Open WebUI has accounts and keeps chats on the host; its licence counts as unfree in
        nixpkgs. `nextjs-ollama-llm-ui` is free and small, has no accounts, and keeps chats in the browser alone.
      '';
    };

    ollamaUrl = mkOption {
      type = types.nullOr types.str;
      default = if ollama then "http://${place}:${toString ml.ollama.port}" else null;
      defaultText = lib.literalMD "`kernelcore.containers.ml.ollama`, where that is enabled";
      example = "http://192.168.1.5:11434";
      description = ''
        Where Ollama is. Open WebUI keeps what its administrator changes in the browser, and reads this no more
        after that.
      '';
    };

    dataPath = mkOption {
      type = types.str;
      default = "/var/lib/dev-chat-ui";
      example = "/srv/chats";
      description = "The directory of the host that holds Open WebUI's accounts, chats and files.";
    };
  };

  config = {
    description = mkDefault "Chat in the browser";
    aliases = mkDefault [ "chat" ];
    offset = mkDefault 12;
    stateVersion = mkDefault "25.05";

    # One that is not started with the host would be waited for in vain.
    after = mkDefault (lib.optional (ollama && ml.ollama.autoStart) "ml/ollama");
    missing = mkIf (!openWebui && config.ollamaUrl == null) (mkDefault {
      what = "no Ollama";
      hint = "set kernelcore.containers.ml.ollama.enable or kernelcore.containers.dev.chat-ui.ollamaUrl";
    });

    ports.http = {
      port = mkDefault config.port;
      url = mkDefault "http";
    };

    binds = mkIf openWebui {
      "/var/lib/open-webui" = {
        hostPath = mkDefault config.dataPath;
        owner = mkDefault (toString uids.open-webui);
        create = mkDefault true;
        data = mkDefault true;
      };
    };

    credentials = mkIf openWebui { secret-key = mkDefault { generate = true; }; };

    health.http = {
      port = mkDefault config.port;
      path = mkDefault (if openWebui then "/health" else "/");
    };
    # At its first start it downloads a model that finds texts.
    startTimeout = mkDefault "10min";

    limits = {
      memoryMax = mkDefault (if openWebui then "4G" else "1G");
      tasksMax = mkDefault 1024;
    };

    config = import ./guests/chat-ui.nix {
      inherit (config) backend ollamaUrl port;
    };
  };
}
