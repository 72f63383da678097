# The guest of the preset `comfyui`: NixOS's service where there is one, and else, or for a package of somebody's, a
# unit of our own.
{
  directory,
  port,
  vendor,
  package,
  extraArgs,
  # The option that `package` comes from, for people.
  option,
}:

{
  lib,
  options,
  pkgs,
  ...
}:

let
  # Whether nixpkgs builds PyTorch for such a card. Where it does not, ComfyUI ends at its start unless it is
  # told to compute on the processor.
  built =
    {
      nvidia = pkgs.config.cudaSupport or false;
      amd = pkgs.config.rocmSupport or false;
    }
    .${toString vendor} or false;

  arguments = lib.optional (vendor == null || (package == null && !built)) "--cpu" ++ extraArgs;

  # Where ComfyUI looks: the host's directory is empty at first. By ComfyUI's user, because in a person's directory
  # the guest's root can make nothing.
  kinds = ''
    mkdir -p ${
      lib.concatMapStringsSep " " (kind: "${directory}/models/${kind}") [
        "checkpoints"
        "clip"
        "controlnet"
        "diffusion_models"
        "loras"
        "text_encoders"
        "upscale_models"
        "vae"
      ]
    }
  '';

  own = package != null;
  upstream = !own && options.services ? comfyui;
in
{
  imports = [
    (import (if own then ./service.nix else ./user.nix) {
      name = "comfyui";
      home = directory;
      inherit vendor;
    })
  ];

  config = lib.mkMerge [
    {
      warnings = lib.optional (upstream && vendor != null && !built) (
        "ComfyUI computes on the processor: nixpkgs builds PyTorch without support for this card. "
        + "The description of ${option} says how to have it."
      );
    }

    (lib.optionalAttrs upstream {
      services.comfyui = {
        enable = true;
        listen = lib.mkDefault [ "0.0.0.0" ];
        port = lib.mkDefault port;
        extraArgs = arguments;
      };
      systemd.services.comfyui.preStart = kinds;
    })

    (lib.mkIf own {
      systemd.services.comfyui = {
        description = "ComfyUI";
        preStart = kinds + ''
          mkdir -p ${directory}/custom_nodes ${directory}/input ${directory}/user
        '';
        script = ''
          exec ${lib.getExe package} ${
            lib.escapeShellArgs (
              [
                "--listen"
                "0.0.0.0"
                "--port"
                (toString port)
                "--base-directory"
                directory
                "--database-url"
                "sqlite:///${directory}/user/comfyui.db"
              ]
              ++ arguments
            )
          }
        '';
      };
    })
  ];
}
