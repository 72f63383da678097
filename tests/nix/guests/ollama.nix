{ evaluate }:

let
  run =
    { release ? "25.11", vendor ? null, ollama ? { } }:
    let
      it = evaluate {
        inherit release;
        configuration = {
          services.xserver.videoDrivers = [ "nvidia" ];
          nixpkgs.config.allowUnfree = true;
          users.users.alice.isNormalUser = true;
          kernelcore.containers.gpuVendor = vendor;
          kernelcore.containers.ml.enable = true;
          kernelcore.containers.ml.ollama = ollama // { enable = true; };
        };
      };
    in
    {
      host = it.containers.ml.ollama;
      guest = it.guest "ml" "ollama";
    };

  models = "/var/lib/ollama/models";
  plain = run { };
  service = it: it.guest.services.ollama;
  accelerated = release: vendor: service (run { inherit release vendor; });

  elsewhere = run {
    ollama = {
      port = 11500;
      modelsPath = "/home/alice/models";
    };
  };
  withLlama = run { ollama.bindLlamaCpp = true; };
  withHostsLlama = run {
    ollama.bindLlamaCpp = true;
    ollama.llamaCppPath = "/opt/llama/bin/llama-cli";
  };
in
[
  {
    says = "Ollama is where it always was";
    ok = plain.host.address == "192.168.200.11" && plain.host.ports.http.port == 11434 && plain.host.autoStart;
  }
  {
    says = "it listens on its port on every address of the guest";
    ok = (service plain).enable && (service plain).host == "0.0.0.0" && (service elsewhere).port == 11500;
  }
  {
    says = "the port is probed and offered at the port that was chosen";
    ok = elsewhere.host.health.http.port == 11500 && elsewhere.host.ports.http.port == 11500;
  }
  {
    says = "its client finds it at another port";
    ok =
      elsewhere.host.actions.list.command == [ "env" "OLLAMA_HOST=127.0.0.1:11500" "ollama" "list" ]
      && plain.host.actions.run.command == [ "ollama" "run" ]
      && plain.host.actions.run.terminal;
  }
  {
    says = "its models are on the host, where the guest's Ollama writes them";
    ok =
      (service plain).models == models
      && plain.host.binds.${models}.hostPath == "/var/lib/ollama/models"
      && plain.host.binds.${models}.create
      && plain.host.binds.${models}.data;
  }
  {
    says = "the owner of the models is the number that Ollama runs as";
    ok =
      plain.host.binds.${models}.owner == toString plain.guest.users.users.ollama.uid
      && (service plain).user == "ollama"
      && (service plain).group == "ollama"
      && plain.guest.users.groups.ollama.gid == plain.guest.users.users.ollama.uid;
  }
  {
    says = "systemd does not move the models with a dynamic user";
    ok = plain.guest.systemd.services.ollama.serviceConfig.DynamicUser == false;
  }
  {
    says = "models in a person's home belong to that person";
    ok =
      elsewhere.host.binds.${models}.hostOwner == "alice" && plain.host.binds.${models}.hostOwner == null;
  }
  {
    says = "NVIDIA: the build for CUDA, and no driver of the guest's own";
    ok =
      (accelerated "26.05" "nvidia").package.name == "ollama-cuda"
      && (run { vendor = "nvidia"; }).guest.hardware.graphics == { };
  }
  {
    says = "AMD: the build for ROCm, its own libraries, and the groups of the nodes";
    ok =
      let
        amd = run { vendor = "amd"; };
      in
      (service amd).package.name == "ollama-rocm"
      && amd.guest.hardware.graphics.enable
      && amd.guest.users.users.ollama.extraGroups == [ "render" "video" ];
  }
  {
    says = "Intel: the build for Vulkan where nixpkgs has one, else the one for the processor";
    ok =
      (accelerated "25.11" "intel").package.name == "ollama-vulkan"
      && (accelerated "25.05" "intel").package.name == "ollama";
  }
  {
    says = "where NixOS rebuilds the package by a word, the word is said";
    ok =
      (accelerated "25.05" "nvidia").acceleration == "cuda"
      && (accelerated "25.11" "amd").acceleration == "rocm"
      && (accelerated "25.11" "intel").acceleration == "vulkan";
  }
  {
    says = "a card that the container is refused does not choose the package";
    ok = (service (run { vendor = "nvidia"; ollama.gpu = null; })).package.name == "ollama";
  }
  {
    says = "llama.cpp is the guest's own where nothing else is said";
    ok =
      builtins.any (it: it.name == "llama-cpp") withLlama.guest.environment.systemPackages
      && builtins.any (
        it: builtins.match "L\\+ /usr/local/bin/llama-server .*" it != null
      ) withLlama.guest.systemd.tmpfiles.rules
      && !(withLlama.host.binds ? "/usr/local/bin/llama-cli");
  }
  {
    says = "the host's llama.cpp is bound read-only";
    ok =
      let
        inherit (withHostsLlama.host) binds;
      in
      binds."/usr/local/bin/llama-cli".hostPath == "/opt/llama/bin/llama-cli"
      && binds."/usr/local/bin/llama-server".hostPath == "/opt/llama/bin/llama-server"
      && binds."/usr/local/bin/llama-server".readOnly;
  }
  {
    says = "what the guest is configured to otherwise, counts";
    ok = (service (run { ollama.config.services.ollama.host = "127.0.0.1"; })).host == "127.0.0.1";
  }
]
