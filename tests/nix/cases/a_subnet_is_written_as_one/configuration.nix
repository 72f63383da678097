{
  kernelcore.containers.groups = {
    word = { enable = true; subnet = "lab"; web.config = { }; };
    bits = { enable = true; subnet = "10.77.3.1/24"; web.config = { }; };
    narrow = { enable = true; subnet = "10.77.4.0/31"; web.config = { }; };
    loopback = { enable = true; subnet = "127.0.0.0/8"; web.config = { }; };
  };
}
