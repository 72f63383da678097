{ lib, ... }:
{
  imports = [ ../../siblings.nix ];

  # An option of that host, which says where people's files are.
  options.system.user.homeDir = lib.mkOption {
    type = lib.types.str;
    default = "/home/somebody";
  };

  config = {
    services.xserver.videoDrivers = [ "nvidia" ];
    nixpkgs.config.allowUnfree = true;

    kernelcore = {
      containers = {
        docker.enable = true;
        podman = {
          enable = false;
          dockerCompat = false;
          enableNvidia = true;
        };
        nixos.enable = true;

        ml = {
          enable = true;
          ollama = {
            enable = true;
            port = 11434;
            modelsPath = "/var/lib/ollama/models";
            bindLlamaCpp = true;
          };
          jupyter = {
            enable = true;
            port = 8888;
            notebooksPath = "/home/kernelcore/dev/notebooks";
          };
        };

        dev = {
          enable = true;
          code-server.enable = true;
          proxy = {
            enable = true;
            httpPort = 80;
            httpsPort = 443;
          };
        };
      };
    };
  };
}
