{
  networking.interfaces.eth0.ipv4.addresses = [ { address = "192.168.200.4"; prefixLength = 24; } ];
  containers.web = { hostAddress = "10.77.3.1"; localAddress = "10.77.3.2/24"; };
  kernelcore.containers.ml.enable = true;
  kernelcore.containers.groups.lab = { enable = true; subnet = "10.77.3.0/24"; };
}
