# Ollama: language models behind an API.
{
  config,
  lib,
  host,
  ...
}:

let
  inherit (lib) mkDefault mkOption types;
  users = import ../lib/users.nix;
  home = import ../lib/home.nix { inherit lib host; };
  inherit (host.config.kernelcore.containers) gpuVendor;
  vendor = import ./vendor.nix { inherit config host; };

  models = "/var/lib/ollama/models";
  binary = path: {
    hostPath = mkDefault path;
    readOnly = mkDefault true;
  };

  # The program asks the server at its usual port, unless told otherwise.
  ollama =
    words:
    lib.optionals (config.port != 11434) [
      "env"
      "OLLAMA_HOST=127.0.0.1:${toString config.port}"
    ]
    ++ [ "ollama" ]
    ++ words;
in
{
  options = {
    port = mkOption {
      type = types.port;
      default = 11434;
      description = "The port of Ollama's API.";
    };

    modelsPath = mkOption {
      type = types.str;
      default = "/var/lib/ollama/models";
      description = ''
        The directory of the host with Ollama's models. It is made where it is missing. One that Ollama on the
        host uses itself belongs to that: stop one of the two.
      '';
    };

    package = mkOption {
      type = types.nullOr types.package;
      default = null;
      defaultText = lib.literalMD "`ollama-cuda`, `ollama-rocm`, `ollama-vulkan` or `ollama` by `gpuVendor`";
      example = lib.literalExpression "pkgs.ollama-vulkan";
      description = "The build of Ollama.";
    };

    bindLlamaCpp = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the guest has llama.cpp's `llama-cli` and `llama-server` at `/usr/local/bin`, too.";
    };

    llamaCppPath = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "/opt/llama.cpp/bin/llama-cli";
      description = ''
        The host's `llama-cli`, with `llama-server` beside it; both are bound into the guest. `null`: the guest
        has a package of its own. Only with `bindLlamaCpp`.
      '';
    };
  };

  config = {
    description = mkDefault "Language models (Ollama)";
    offset = mkDefault 11;
    stateVersion = mkDefault "25.05";

    ports.http = {
      port = mkDefault config.port;
      url = mkDefault "http";
    };
    health.http = {
      port = mkDefault config.port;
      path = mkDefault "/api/tags";
    };
    startTimeout = mkDefault "2min";
    gpu = mkDefault (if gpuVendor == null then null else { vendor = gpuVendor; });
    limits = {
      memoryMax = mkDefault "12G";
      tasksMax = mkDefault 4096;
    };

    binds = {
      ${models} = {
        hostPath = mkDefault config.modelsPath;
        create = mkDefault true;
        data = mkDefault true;
        owner = mkDefault (toString users.ollama);
        hostOwner = mkDefault (home.personOf config.modelsPath);
      };
    }
    // lib.optionalAttrs (config.bindLlamaCpp && config.llamaCppPath != null) {
      "/usr/local/bin/llama-cli" = binary config.llamaCppPath;
      "/usr/local/bin/llama-server" = binary "${dirOf config.llamaCppPath}/llama-server";
    };

    actions = {
      list.command = mkDefault (ollama [ "list" ]);
      pull.command = mkDefault (ollama [ "pull" ]);
      run = {
        command = mkDefault (ollama [ "run" ]);
        terminal = mkDefault true;
      };
    };

    config = import ./guests/ollama.nix {
      inherit vendor models;
      inherit (config) port package;
      llamaCpp = config.bindLlamaCpp && config.llamaCppPath == null;
    };
  };
}
