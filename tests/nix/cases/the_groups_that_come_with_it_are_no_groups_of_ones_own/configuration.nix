{
  kernelcore.containers.groups.ml = { enable = true; subnet = "10.77.3.0/24"; web.config = { }; };
}
