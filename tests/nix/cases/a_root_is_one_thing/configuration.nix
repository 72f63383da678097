{
  kernelcore.containers.groups.lab = {
    enable = true;
    subnet = "10.77.3.0/24";
    a = { config = { }; tree = "/var/lib/machines/debian"; };
    b = { tree = "/var/lib/machines/debian"; directory = "/var/lib/machines/web"; };
    c.system = "/var/lib/machines/nixos";
  };
}
