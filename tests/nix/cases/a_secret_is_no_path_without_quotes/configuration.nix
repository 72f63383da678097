{
  kernelcore.containers.groups.lab = {
    enable = true;
    subnet = "10.77.3.0/24";
    web = { config = { }; credentials.password = /run/secrets/password; };
    db = { config = { }; credentials.password.path = /run/secrets/password; };
  };
}
