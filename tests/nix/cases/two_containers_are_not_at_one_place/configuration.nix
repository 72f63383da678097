{
  kernelcore.containers.groups.lab = {
    enable = true;
    subnet = "10.77.3.0/24";
    a = { config = { }; offset = 33; };
    b = { config = { }; offset = 33; };
    # The place of its name is 33.
    web.config = { };
  };
}
