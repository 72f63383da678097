{
  networking.firewall.allowedTCPPorts = [ 80 8080 ];
  networking.firewall.allowedUDPPorts = [ 53 ];
  kernelcore.containers.groups.lab = {
    enable = true;
    subnet = "10.77.3.0/24";
    web = {
      config = { };
      ports.http = { port = 80; publish.hostPort = 8080; };
      ports.dns = { port = 53; protocol = "udp"; publish.hostPort = 53; };
      ports.inside.port = 81;
    };
  };
}
