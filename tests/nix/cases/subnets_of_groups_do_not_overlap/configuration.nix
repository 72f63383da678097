{
  kernelcore.containers.ml = { enable = true; subnet = "192.168.0.0/16"; };
  kernelcore.containers.dev = { enable = true; };
  # One that is not enabled is no trouble.
  kernelcore.containers.groups.lab.subnet = "192.168.210.0/24";
}
