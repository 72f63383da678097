{
  services.xserver.videoDrivers = [ "nvidia" ];
  # There is more than one, and whose is to be said each time.
  kernelcore.containers.gpuVendor = null;
  kernelcore.containers.groups.lab = {
    enable = true;
    subnet = "10.77.3.0/24";
    both = { config = { }; gpu = { vendor = "nvidia"; cdi = [ "nvidia.com/gpu=all" ]; }; };
    none = { config = { }; gpu.optional = true; };
    devices = { config = { }; gpu = { cdi = [ "nvidia.com/gpu=all" ]; devices = [ 0 ]; }; };
  };
}
