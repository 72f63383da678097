{
  kernelcore.containers.groups.lab = {
    enable = true;
    subnet = "10.77.3.0/24";
    a = { config = { }; ports.web = { port = 80; publish.hostPort = 8080; }; };
    b = { config = { }; ports.web = { port = 80; publish = { hostPort = 8080; address = "127.0.0.1"; }; }; };
    # Another protocol is no trouble, nor are two addresses.
    c = { config = { }; ports.dns = { port = 53; protocol = "udp"; publish.hostPort = 8080; }; };
    d = { config = { }; ports.web = { port = 80; publish = { hostPort = 8081; address = "127.0.0.1"; }; }; };
    e = { config = { }; ports.web = { port = 80; publish = { hostPort = 8081; address = "192.0.2.1"; }; }; };
  };
}
