# Stands for modules of a host that declare options in `kernelcore.containers` beside ours: for Docker, Podman and
# nixos-container, with what they set that ours meets.
{ config, lib, ... }:

let
  inherit (lib) mkIf mkOption types;
  flag = default: mkOption { type = types.bool; inherit default; };
  cfg = config.kernelcore.containers;
in
{
  options.kernelcore.containers = {
    docker.enable = flag false;
    docker-hub.enable = flag false;
    podman = {
      enable = flag false;
      dockerCompat = flag false;
      enableNvidia = flag true;
    };
    nixos.enable = flag false;
  };

  config = lib.mkMerge [
    (mkIf cfg.docker.enable {
      virtualisation.docker.enable = true;
      virtualisation.docker.daemon.settings.storage-driver = "overlay2";
    })
    (mkIf cfg.docker-hub.enable {
      environment.shellAliases.ollama-list = "docker exec ollama ollama list";
    })
    (mkIf cfg.podman.enable {
      virtualisation.podman = { enable = true; defaultNetwork.settings.dns_enabled = true; };
    })
    (mkIf cfg.nixos.enable {
      boot.enableContainers = true;
      networking.nat.internalInterfaces = [ "ve-+" ];
      networking.firewall.allowedTCPPorts = [ 80 443 ];
      networking.firewall.trustedInterfaces = [ "ve-+" ];
      containers.teste-preprod = { hostAddress = "192.168.100.10"; localAddress = "192.168.100.11"; };
    })
  ];
}
