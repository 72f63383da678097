{
  containers.lab-web = { localAddress = "192.168.100.11"; };
  kernelcore.containers.groups.lab = { enable = true; subnet = "10.77.3.0/24"; web.config = { }; };
}
