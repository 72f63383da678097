{ evaluate }:

let
  run =
    { release ? "25.11", vendor ? null, localai ? { } }:
    let
      it = evaluate {
        inherit release;
        configuration = {
          services.xserver.videoDrivers = [ "nvidia" ];
          nixpkgs.config.allowUnfree = true;
          kernelcore.containers.gpuVendor = vendor;
          kernelcore.containers.ml.enable = true;
          kernelcore.containers.ml.localai = localai // { enable = true; };
        };
      };
    in
    {
      host = it.containers.ml.localai;
      guest = it.guest "ml" "localai";
    };

  without = run { };
  llama = run { localai.model = "a model.gguf"; };
  unit = llama.guest.systemd.services.localai;
  script = it: plainly it.guest.systemd.services.localai.script;
  onCard =
    release:
    script (run {
      inherit release;
      vendor = "nvidia";
      localai.model = "a.gguf";
      localai.gpuLayers = 20;
    });
  localAi = run {
    localai = {
      backend = "local-ai";
      package = {
        type = "derivation";
        name = "local-ai";
        outPath = "/nix/store/00000000000000000000000000000000-local-ai";
        meta.mainProgram = "local-ai";
      };
    };
  };
  has = text: script: builtins.length (builtins.split text script) > 1;

  # Older libraries quote every word.
  plainly = builtins.replaceStrings [ "'" ] [ "" ];
in
[
  {
    says = "it is where it always was, and does not start with the host";
    ok = without.host.address == "192.168.200.15" && without.host.ports.http.port == 8080 && !without.host.autoStart;
  }
  {
    says = "llama.cpp without a model says where to put one, and nothing runs";
    ok =
      without.host.missing.what == "no model"
      && has "/var/lib/localai/models" without.host.missing.hint
      && without.guest.systemd.services == { };
  }
  {
    says = "llama.cpp serves the model from the host's directory";
    ok =
      llama.host.missing == null
      && has "/bin/llama-server --host 0.0.0.0 --port 8080 --model /var/lib/localai/models/a model.gguf" (plainly unit.script)
      && llama.host.binds."/var/lib/localai/models".owner == toString llama.guest.users.users.localai.uid
      && unit.serviceConfig.User == "localai";
  }
  {
    says = "with a card it is the build for Vulkan where nixpkgs has one";
    ok = has "-llama-cpp-vulkan/bin/" (onCard "25.11") && has "-llama-cpp/bin/" (onCard "25.05");
  }
  {
    says = "how much of the model is on the card can be said";
    ok = has "--n-gpu-layers 20" (onCard "25.11") && !(has "gpu-layers" unit.script);
  }
  {
    says = "LocalAI without a package says that nixpkgs' own is broken, and nothing runs";
    ok =
      let
        it = run { localai.backend = "local-ai"; };
      in
      it.host.missing.what == "no LocalAI package" && it.guest.systemd.services == { };
  }
  {
    says = "LocalAI needs no model, and has its own probe";
    ok =
      localAi.host.missing == null
      && localAi.host.health.http.path == "/readyz"
      && llama.host.health.http.path == "/health"
      && has "/bin/local-ai run" (script localAi)
      && localAi.guest.systemd.services.localai.environment.LOCALAI_ADDRESS == "0.0.0.0:8080";
  }
]
