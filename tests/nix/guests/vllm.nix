{ evaluate }:

let
  run =
    { vendor ? "nvidia", vllm ? { } }:
    let
      it = evaluate {
        configuration = {
          services.xserver.videoDrivers = [ "nvidia" ];
          nixpkgs.config.allowUnfree = true;
          kernelcore.containers.gpuVendor = vendor;
          kernelcore.containers.ml.enable = true;
          kernelcore.containers.ml.vllm = vllm // { enable = true; };
        };
      };
    in
    {
      host = it.containers.ml.vllm;
      guest = it.guest "ml" "vllm";
    };

  without = run { };
  vllm = {
    type = "derivation";
    name = "vllm-cuda";
    outPath = "/nix/store/00000000000000000000000000000000-vllm-cuda";
  };
  with' = run {
    vllm = {
      package = vllm;
      model = "Qwen/Qwen2.5-1.5B-Instruct";
      tokenFile = "/run/secrets/huggingface";
      gpuMemoryUtilization = 0.7;
      extraArgs = [ "--max-model-len" "4096" "--override" "{\"a\": \"$b\"}" ];
    };
  };
  unit = with'.guest.systemd.services.vllm;
  has = text: script: builtins.length (builtins.split text script) > 1;

  # Older libraries quote every word.
  plainly = builtins.replaceStrings [ "'" ] [ "" ];
in
[
  {
    says = "vLLM is where it always was, and does not start with the host";
    ok = without.host.address == "192.168.200.14" && without.host.ports.http.port == 8000 && !without.host.autoStart;
  }
  {
    says = "without a model it says what to set, and nothing is built for it";
    ok =
      without.host.missing.what == "no model"
      && has "kernelcore.containers.ml.vllm.model" without.host.missing.hint
      && without.guest.systemd.services == { };
  }
  {
    says = "with a model nothing is missing, and the unit serves it";
    ok =
      with'.host.missing == null
      && has "vllm-cuda/bin/vllm serve Qwen/Qwen2.5-1.5B-Instruct --host 0.0.0.0 --port 8000 " (plainly unit.script)
      && has "--gpu-memory-utilization 0.7 --max-model-len 4096 " (plainly unit.script);
  }
  {
    says = "what is written is what it is given, whatever signs are in it";
    ok = has "'\\{\"a\": \"\\$b\"}'" unit.script;
  }
  {
    says = "its downloads are on the host, and belong to its user";
    ok =
      with'.host.binds.${unit.environment.HF_HOME}.owner == toString with'.guest.users.users.vllm.uid
      && with'.host.binds.${unit.environment.HF_HOME}.hostPath == "/var/lib/vllm/models";
  }
  {
    says = "a token is read from a file by the unit alone";
    ok =
      with'.host.credentials.huggingface == "/run/secrets/huggingface"
      && unit.serviceConfig.LoadCredential == "huggingface"
      && unit.environment.HF_TOKEN_PATH == "%d/huggingface"
      && without.host.credentials == { };
  }
  {
    says = "it has time for its first start";
    ok = with'.host.startTimeout == "30min";
  }
  {
    says = "nixpkgs' own on a card that it is not built for is a warning, and no option for the card";
    ok =
      let
        it = (run { vllm.model = "x/y"; }).guest;
      in
      builtins.length it.warnings == 1
      && !(has "gpu-memory" it.systemd.services.vllm.script)
      && with'.guest.warnings == [ ];
  }
]
