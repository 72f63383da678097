{
  systemd.services."container@ml-ollama".serviceConfig = { MemoryMax = "16G"; CPUQuota = "400%"; };
  # This one is of a container that NixOS has.
  systemd.services."container@web".serviceConfig.MemoryMax = "1G";
  containers.web.localAddress = "192.168.100.11";
  kernelcore.containers.ml = { enable = true; ollama.enable = true; };
}
