# What the README of the modules has that this one replaces, word by word, on a host with the other modules of the
# same author.
{
  imports = [ ../../siblings.nix ];

  services.xserver.videoDrivers = [ "nvidia" ];
  nixpkgs.config.allowUnfree = true;
  users.users.kernelcore.isNormalUser = true;

  kernelcore.containers.docker.enable = true;
  kernelcore.containers.docker-hub.enable = true;
  kernelcore.containers.podman = { enable = true; dockerCompat = false; enableNvidia = true; };
  kernelcore.containers.nixos.enable = true;

  kernelcore.containers.ml = {
    enable = true;

    ollama = {
      enable = true;
      port = 11434;
      modelsPath = "/var/lib/ollama/models";
    };

    jupyter = {
      enable = true;
      port = 8888;
      notebooksPath = "/home/kernelcore/dev/notebooks";
    };

    comfyui.enable = true;
    vllm.enable = true;
    localai.enable = true;
  };

  kernelcore.containers.dev = {
    enable = true;

    dev-ml = {
      enable = true;
      port = 8889;
      workspacePath = "/home/kernelcore/dev/workspace";
    };

    chat-ui = {
      enable = true;
      port = 3000;
    };

    code-server = {
      enable = true;
      port = 8443;
      workspacePath = "/home/kernelcore/dev";
    };

    proxy = {
      enable = true;
      httpPort = 80;
      httpsPort = 443;
    };

    postgres = {
      enable = true;
      port = 5432;
      dataPath = "/var/lib/postgres-dev";
    };
  };
}
