{
  kernelcore.containers.groups.lab = {
    enable = true;
    description = "Things to try";
    subnet = "10.77.3.0/24";
    reach = [ "other" ];
    hostPorts = [ 53 ];

    web = {
      description = "A web server";
      aliases = [ "www" ];
      offset = 20;
      config = { services.nginx.enable = true; };
      ports.http = { port = 80; url = "http"; publish = { hostPort = 18080; address = "127.0.0.1"; }; };
      after = [ "lab/db" ];
      startTimeout = "2min";
      health.http = { port = 80; path = "/health"; };
      restart.onUnhealthy = true;
    };
    db.config = { };
  };
  kernelcore.containers.groups.other = {
    enable = true;
    subnet = "10.77.4.0/24";
    hostOffset = 1;
    it.config = { };
  };
}
