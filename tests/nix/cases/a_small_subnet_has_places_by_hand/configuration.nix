{
  kernelcore.containers.groups.lab = {
    enable = true;
    subnet = "10.77.3.0/29";
    hostOffset = 1;
    a = { config = { }; offset = 2; };
    b = { config = { }; offset = 6; };
  };
}
