{
  kernelcore.containers.groups = {
    lab = {
      enable = true;
      subnet = "10.77.3.0/28";
      hostOffset = 16;
      name.config = { };
      far = { config = { }; offset = 300; };
      broadcast = { config = { }; offset = 15; };
      elsewhere = { config = { }; address = "10.77.4.1"; };
      network = { config = { }; address = "10.77.3.0"; };
      word = { config = { }; address = "web"; };
      none = { config = { }; address = null; };
    };
  };
}
