{
  virtualisation.docker.enable = true;
  virtualisation.podman.enable = true;
  services.k3s = { enable = true; extraFlags = [ "--cluster-cidr=10.50.0.0/16" "--disable traefik" ]; };
  kernelcore.containers.groups = {
    docker = { enable = true; subnet = "172.17.3.0/24"; };
    podman = { enable = true; subnet = "10.88.3.0/24"; };
    cluster = { enable = true; subnet = "10.50.3.0/24"; };
    services = { enable = true; subnet = "10.43.3.0/24"; };
    # Not used where another was chosen.
    free = { enable = true; subnet = "10.42.3.0/24"; };
  };
}
