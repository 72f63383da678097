{
  services = {
    openssh = { enable = true; ports = [ 22 2222 ]; };
    nginx = {
      enable = true;
      virtualHosts = {
        plain = { };
        closed.forceSSL = true;
        own.listen = [ { addr = "0.0.0.0"; port = 8090; } ];
      };
    };
    ollama = { enable = true; port = 11434; };
    postgresql = { enable = true; settings.port = 5433; };
    # Not enabled.
    caddy = { enable = false; };
  };
  kernelcore.containers.groups.lab = {
    enable = true;
    subnet = "10.77.3.0/24";
    web = {
      config = { };
      ports = {
        ssh = { port = 22; publish.hostPort = 2222; };
        http = { port = 80; publish.hostPort = 80; };
        https = { port = 443; publish.hostPort = 443; };
        other = { port = 81; publish.hostPort = 8090; };
        api = { port = 11434; publish.hostPort = 11434; };
        db = { port = 5432; publish.hostPort = 5433; };
        quic = { port = 443; protocol = "udp"; publish.hostPort = 443; };
        free = { port = 82; publish.hostPort = 18080; };
      };
    };
  };
}
