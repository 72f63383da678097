# The guest of the preset `localai`. Without a model, or without a package of LocalAI, it waits.
{
  models,
  vendor,
  backend,
  port,
  model,
  gpuLayers,
  package,
  extraArgs,
}:

{ lib, pkgs, ... }:

let
  home = "/var/lib/localai";

  llama = if package != null then package else import ./llama-cpp.nix { inherit pkgs vendor; };

  servers = {
    llama-cpp = {
      waits = model == null;
      environment = { };
      command = [
        "${llama}/bin/llama-server"
        "--host"
        "0.0.0.0"
        "--port"
        (toString port)
        "--model"
        "${models}/${model}"
      ]
      ++ lib.optionals (gpuLayers != null) [
        "--n-gpu-layers"
        (toString gpuLayers)
      ];
    };

    # By variables: an option that a version does not know ends it, a variable does not.
    local-ai = {
      waits = package == null;
      environment = lib.mapAttrs (_: lib.mkDefault) {
        LOCALAI_ADDRESS = "0.0.0.0:${toString port}";
        LOCALAI_MODELS_PATH = models;
        LOCALAI_BACKENDS_PATH = "${home}/backends";
        LOCALAI_CONFIG_DIR = "${home}/configuration";
        LOCALAI_DATA_PATH = "${home}/data";
        LOCALAI_GENERATED_CONTENT_PATH = "${home}/generated";
        LOCALAI_UPLOAD_PATH = "${home}/upload";
      };
      command = [
        (lib.getExe package)
        "run"
      ];
    };
  };
  server = servers.${backend};
in
if server.waits then
  { }
else
  {
    imports = [
      (import ./service.nix {
        name = "localai";
        inherit home vendor;
      })
    ];

    config.systemd.services.localai = {
      description = "OpenAI-compatible API (${backend})";
      inherit (server) environment;
      script = ''
        exec ${lib.escapeShellArgs (server.command ++ extraArgs)}
      '';
    };
  }
