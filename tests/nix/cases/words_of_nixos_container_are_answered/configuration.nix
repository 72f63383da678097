{
  kernelcore.containers.ml = {
    enable = true;
    ollama = {
      enable = true;
      bindMounts."/dev/nvidia0" = { hostPath = "/dev/nvidia0"; isReadOnly = false; };
      allowedDevices = [ { node = "/dev/nvidia0"; modifier = "rw"; } ];
    };
  };
  kernelcore.containers.groups.lab = {
    enable = true;
    subnet = "10.77.3.0/24";
    web = {
      config = { };
      bindMounts."/srv" = { hostPath = "/srv"; };
      privateNetwork = true;
      hostAddress = "10.77.3.1";
      localAddress = "10.77.3.2";
      hostBridge = "br0";
      forwardPorts = [ { hostPort = 80; } ];
      privateUsers = "pick";
      additionalCapabilities = [ "CAP_NET_ADMIN" ];
      tmpfs = [ "/tmp" ];
      enableTun = true;
      extraFlags = [ "--quiet" ];
      timeoutStartSec = "2min";
      restartIfChanged = false;
    };
    # Where nothing comes of it, nothing is said.
    off = { enable = false; config = { }; privateNetwork = true; };
  };
}
