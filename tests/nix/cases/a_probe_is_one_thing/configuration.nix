{
  kernelcore.containers.groups.lab = {
    enable = true;
    subnet = "10.77.3.0/24";
    two = { config = { }; health = { tcp = 80; command = [ "true" ]; }; };
    none = { config = { }; health.interval = "30s"; };
    user = { config = { }; health = { tcp = 80; user = "nobody"; }; };
    restart = { config = { }; restart.onUnhealthy = true; };
  };
}
