{
  kernelcore.containers.groups = {
    lab = { enable = true; subnet = "10.77.3.0/24"; a-b.config = { }; };
    lab-a = { enable = true; subnet = "10.77.4.0/24"; b.config = { }; };
  };
}
