# The guest of the preset `vllm`. Without a model it waits, and nothing is built for it.
{
  models,
  vendor,
  port,
  model,
  gpuMemoryUtilization,
  shmSize,
  package,
  extraArgs,
  # Whether there is a credential `huggingface`.
  token,
  # The option that `package` comes from, for people.
  option,
}:

{ lib, pkgs, ... }:

let
  home = "/var/lib/vllm";
  vllm = if package != null then package else pkgs.vllm;

  built =
    package != null
    ||
      {
        nvidia = pkgs.config.cudaSupport or false;
        amd = pkgs.config.rocmSupport or false;
      }
      .${toString vendor} or (vendor == null);

  arguments = [
    model
    "--host"
    "0.0.0.0"
    "--port"
    (toString port)
  ]
  ++ lib.optionals (vendor != null && built) [
    "--gpu-memory-utilization"
    (builtins.toJSON gpuMemoryUtilization)
  ]
  ++ extraArgs;
in
if model == null then
  { }
else
  {
    imports = [
      (import ./service.nix {
        name = "vllm";
        inherit home vendor;
      })
    ];

    config = {
      warnings = lib.optional (!built) (
        "vLLM computes on the processor: nixpkgs builds it without support for this card. "
        + "The description of ${option} says how to have it."
      );

      systemd.services.vllm = {
        description = "vLLM";
        # It compiles for the model when it starts.
        path = [ pkgs.stdenv.cc ];
        environment = {
          HF_HOME = models;
          XDG_CACHE_HOME = "${home}/cache";
          VLLM_NO_USAGE_STATS = lib.mkDefault "1";
        }
        // lib.optionalAttrs token { HF_TOKEN_PATH = "%d/huggingface"; };

        script = ''
          exec ${vllm}/bin/vllm serve ${lib.escapeShellArgs arguments}
        '';

        serviceConfig = {
          # The guest's own is as large as a tenth of the host's memory. Its processes talk through it.
          TemporaryFileSystem = lib.mkDefault "/dev/shm:mode=1777,size=${shmSize}";
        }
        // lib.optionalAttrs token { LoadCredential = "huggingface"; };
      };
    };
  }
