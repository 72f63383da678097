{
  kernelcore.containers.gpuVendor = "nvidia";
  kernelcore.containers.ml = { enable = true; ollama = { enable = true; gpu.vendor = "nvidia"; gpu.optional = false; }; };
  kernelcore.containers.groups.lab = {
    enable = true;
    subnet = "10.77.3.0/24";
    needs = { config = { }; gpu.vendor = "nvidia"; };
    takes = { config = { }; gpu = { vendor = "nvidia"; optional = true; }; };
  };
}
