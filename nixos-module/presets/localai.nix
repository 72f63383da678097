# An OpenAI-compatible API for local models: llama.cpp's server, or LocalAI.
{
  config,
  lib,
  host,
  options,
  ...
}:

let
  inherit (lib) mkDefault mkOption types;
  users = import ../lib/users.nix;
  home = import ../lib/home.nix { inherit lib host; };
  inherit (host.config.kernelcore.containers) gpuVendor;
  vendor = import ./vendor.nix { inherit config host; };

  models = "/var/lib/localai/models";
  isLlama = config.backend == "llama-cpp";
in
{
  options = {
    port = mkOption {
      type = types.port;
      default = 8080;
      description = "The port of its API.";
    };

    backend = mkOption {
      type = types.enum [ "llama-cpp" "local-ai" ];
      default = "llama-cpp";
      description = ''
        What serves the API. `llama-cpp` is llama.cpp's own server, for one model, and not LocalAI: nixpkgs marks
        its package of LocalAI as broken since October 2025. `local-ai` is LocalAI itself, and needs `package`.
      '';
    };

    model = mkOption {
      type = types.nullOr (types.strMatching "[^/].*");
      default = null;
      example = "qwen2.5-3b-instruct-q4_k_m.gguf";
      description = ''
        The file in `modelsPath` that `llama-cpp` serves, in the format GGUF. Without one the container waits.
        LocalAI finds its models by itself.
      '';
    };

    modelsPath = mkOption {
      type = types.str;
      default = "/var/lib/localai/models";
      description = "The directory of the host with the models. It is made where it is missing.";
    };

    gpuLayers = mkOption {
      type = types.nullOr types.ints.unsigned;
      default = null;
      example = 99;
      description = ''
        How many layers of the model `llama-cpp` keeps in the card's memory. `null`: as it decides itself, which
        for builds of before the autumn of 2025 is none.
      '';
    };

    package = mkOption {
      type = types.nullOr types.package;
      default = null;
      defaultText = lib.literalMD ''
        `llama-cpp-vulkan` with a card and where nixpkgs has it, else `llama-cpp`; none for `local-ai`
      '';
      example = lib.literalExpression "pkgs.llama-cpp.override { cudaSupport = true; }";
      description = "The build of what `backend` names.";
    };

    extraArgs = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "--ctx-size" "8192" ];
      description = "Further options for it.";
    };
  };

  config = {
    description = mkDefault "An OpenAI-compatible API (${if isLlama then "llama.cpp" else "LocalAI"})";
    offset = mkDefault 15;
    stateVersion = mkDefault "25.05";
    autoStart = mkDefault false;

    missing = mkDefault (
      if isLlama && config.model == null then
        {
          what = "no model";
          hint = "put a GGUF file into ${config.modelsPath} and set ${lib.showOption options.model.loc} to its name";
        }
      else if !isLlama && config.package == null then
        {
          what = "no LocalAI package";
          hint = "nixpkgs marks its own as broken: set ${lib.showOption options.package.loc}";
        }
      else
        null
    );

    ports.http = {
      port = mkDefault config.port;
      url = mkDefault "http";
    };
    health = {
      http = {
        port = mkDefault config.port;
        path = mkDefault (if isLlama then "/health" else "/readyz");
      };
      timeout = mkDefault "8s";
    };
    # It loads the model first.
    startTimeout = mkDefault "10min";
    gpu = mkDefault (if gpuVendor == null then null else { vendor = gpuVendor; });
    limits = {
      memoryMax = mkDefault "12G";
      tasksMax = mkDefault 4096;
    };

    binds.${models} = {
      hostPath = mkDefault config.modelsPath;
      create = mkDefault true;
      data = mkDefault true;
      owner = mkDefault (toString users.localai);
      hostOwner = mkDefault (home.personOf config.modelsPath);
    };

    config = import ./guests/localai.nix {
      inherit models vendor;
      inherit (config)
        backend
        port
        model
        gpuLayers
        package
        extraArgs
        ;
    };
  };
}
