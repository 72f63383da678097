{
  kernelcore.containers.groups.lab = {
    enable = true;
    subnet = "10.77.3.0/24";
    a = { config = { }; offset = 10; };
    b = { config = { }; address = "10.77.3.10"; };
  };
}
