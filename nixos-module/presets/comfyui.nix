# ComfyUI: image generation.
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

  # Its home in the guest, as NixOS's own service has it.
  directory = "/var/lib/comfyui";
  bind = path: {
    hostPath = mkDefault path;
    create = mkDefault true;
    data = mkDefault true;
    owner = mkDefault (toString users.comfyui);
    hostOwner = mkDefault (home.personOf path);
  };

  # NixOS has a service, and nixpkgs a package, since 2026.
  inNixos = lib.hasAttrByPath [ "services" "comfyui" ] host.options;
in
{
  options = {
    port = mkOption {
      type = types.port;
      default = 8188;
      description = "The port of ComfyUI's page and API.";
    };

    modelsPath = mkOption {
      type = types.str;
      default = "/var/lib/comfyui/models";
      description = ''
        The directory of the host with the models, in folders by their kind: `checkpoints`, `loras`, `vae`, and so
        on. It is made where it is missing.
      '';
    };

    outputPath = mkOption {
      type = types.str;
      default = "/var/lib/comfyui/output";
      description = "The directory of the host for the images that are made. It is made where it is missing.";
    };

    package = mkOption {
      type = types.nullOr types.package;
      default = null;
      defaultText = lib.literalMD "nixpkgs' own, where it has one";
      example = lib.literalExpression "inputs.comfyui-nix.packages.x86_64-linux.cuda";
      description = ''
        ComfyUI, where nixpkgs has none or you want another. Its main program is run with ComfyUI's own options.

        nixpkgs' package computes with nixpkgs' PyTorch, which is built for the processor alone unless
        `cudaSupport` or `rocmSupport` says otherwise. For this guest only: `ownNixpkgs = true` and
        `config.nixpkgs.config = { allowUnfree = true; cudaSupport = true; }`. That is compiled for hours where no
        binary cache has it.
      '';
    };

    extraArgs = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "--lowvram" "--reserve-vram" "1" ];
      description = "Further options for ComfyUI. A card of 6 GB that a desktop draws on wants those of the example.";
    };
  };

  config = {
    description = mkDefault "Image generation (ComfyUI)";
    offset = mkDefault 13;
    stateVersion = mkDefault "25.05";
    autoStart = mkDefault false;

    missing = mkDefault (
      if config.package != null || inNixos then
        null
      else
        {
          what = "no ComfyUI package";
          hint = "this nixpkgs has none: set ${lib.showOption options.package.loc}";
        }
    );

    ports.http = {
      port = mkDefault config.port;
      url = mkDefault "http";
    };
    health = {
      http = {
        port = mkDefault config.port;
        path = mkDefault "/system_stats";
      };
      # It answers late while it loads a model.
      timeout = mkDefault "8s";
    };
    startTimeout = mkDefault "5min";
    gpu = mkDefault (if gpuVendor == null then null else { vendor = gpuVendor; });
    limits = {
      memoryMax = mkDefault "12G";
      tasksMax = mkDefault 4096;
    };

    binds = {
      "${directory}/models" = bind config.modelsPath;
      "${directory}/output" = bind config.outputPath;
    };

    config = import ./guests/comfyui.nix {
      inherit directory vendor;
      inherit (config) port package extraArgs;
      option = lib.showOption options.package.loc;
    };
  };
}
