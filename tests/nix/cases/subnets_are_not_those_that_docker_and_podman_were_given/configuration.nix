{
  virtualisation.docker = {
    enable = true;
    daemon.settings = {
      bip = "10.9.0.1/16";
      default-address-pools = [ { base = "10.10.0.0/16"; size = 24; } ];
    };
  };
  virtualisation.podman = { enable = true; defaultNetwork.settings.subnets = [ { subnet = "10.11.0.0/24"; } ]; };
  kernelcore.containers.groups = {
    one = { enable = true; subnet = "10.9.3.0/24"; };
    two = { enable = true; subnet = "10.10.3.0/24"; };
    three = { enable = true; subnet = "10.11.0.0/16"; };
    free = { enable = true; subnet = "172.17.0.0/24"; };
    as-well = { enable = true; subnet = "10.88.0.0/16"; };
  };
}
