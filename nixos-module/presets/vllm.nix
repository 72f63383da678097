# vLLM: a language model behind OpenAI's API.
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

  models = "/var/lib/vllm/huggingface";
in
{
  options = {
    port = mkOption {
      type = types.port;
      default = 8000;
      description = "The port of its API.";
    };

    model = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "Qwen/Qwen2.5-1.5B-Instruct";
      description = ''
        The model that it serves, by its name at Hugging Face; it is downloaded at the first start. The example is
        one that a card of 6 GB has room for. Without a model the container waits.
      '';
    };

    modelsPath = mkOption {
      type = types.str;
      default = "/var/lib/vllm/models";
      description = ''
        The directory of the host for what is downloaded from Hugging Face. It is made where it is missing.
      '';
    };

    tokenFile = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "/run/secrets/huggingface";
      description = "The file of the host with a token of Hugging Face, for models that ask for one.";
    };

    gpuMemoryUtilization = mkOption {
      type = types.numbers.between 0 1;
      default = 0.85;
      example = 0.7;
      description = ''
        The part of the card's memory that it takes at its start and keeps. Less where a desktop or another container
        has some of it: with too much it ends at its start and says so.
      '';
    };

    shmSize = mkOption {
      type = types.strMatching "[0-9]+[KMG]?";
      default = "2G";
      description = "The size of its `/dev/shm`. What is in it counts as memory of the container.";
    };

    package = mkOption {
      type = types.nullOr types.package;
      default = null;
      defaultText = lib.literalMD "nixpkgs' own";
      description = ''
        vLLM. nixpkgs builds its own for the processor alone unless `cudaSupport` or `rocmSupport` says otherwise.
        For this guest only: `ownNixpkgs = true` and `config.nixpkgs.config = { allowUnfree = true;
        cudaSupport = true; }`. That is compiled for hours where no binary cache has it.
      '';
    };

    extraArgs = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "--max-model-len" "4096" ];
      description = "Further options of `vllm serve`. A card of 6 GB wants the context bounded, as in the example.";
    };
  };

  config = {
    description = mkDefault "A language model behind OpenAI's API (vLLM)";
    offset = mkDefault 14;
    stateVersion = mkDefault "25.05";
    autoStart = mkDefault false;

    missing = mkDefault (
      if config.model != null then
        null
      else
        {
          what = "no model";
          hint = "set ${lib.showOption options.model.loc}, for example \"Qwen/Qwen2.5-1.5B-Instruct\"";
        }
    );

    ports.http = {
      port = mkDefault config.port;
      url = mkDefault "http";
    };
    health = {
      http = {
        port = mkDefault config.port;
        path = mkDefault "/health";
      };
      timeout = mkDefault "8s";
    };
    # It downloads the model at its first start, and compiles for it.
    startTimeout = mkDefault "30min";
    gpu = mkDefault (if gpuVendor == null then null else { vendor = gpuVendor; });
    limits = {
      memoryMax = mkDefault "12G";
      tasksMax = mkDefault 4096;
    };

    credentials = lib.mkIf (config.tokenFile != null) { huggingface = mkDefault config.tokenFile; };

    binds.${models} = {
      hostPath = mkDefault config.modelsPath;
      create = mkDefault true;
      owner = mkDefault (toString users.vllm);
      hostOwner = mkDefault (home.personOf config.modelsPath);
    };

    config = import ./guests/vllm.nix {
      inherit models vendor;
      inherit (config)
        port
        model
        gpuMemoryUtilization
        shmSize
        package
        extraArgs
        ;
      token = config.tokenFile != null;
      option = lib.showOption options.package.loc;
    };
  };
}
