{
  kernelcore.containers.groups.lab = {
    enable = true;
    subnet = "10.77.3.0/24";
    nixos = { config = { }; command = [ "/bin/true" ]; };
    units = { config = { }; units = [ "nginx.service" ]; };
    both = { tree = "/var/lib/machines/debian"; command = [ "/bin/true" ]; units = [ "nginx.service" ]; };
    user = { tree = "/var/lib/machines/debian"; user = "www-data"; workingDirectory = "/srv"; };
  };
}
