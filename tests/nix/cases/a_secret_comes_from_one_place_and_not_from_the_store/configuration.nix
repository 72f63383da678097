{
  kernelcore.containers.groups.lab = {
    enable = true;
    subnet = "10.77.3.0/24";
    web = {
      config = { };
      credentials = {
        both = { path = "/run/secrets/x"; generate = true; };
        neither = { };
        stored = "/nix/store/00000000000000000000000000000000-password";
        stored-too.path = "/nix/store/00000000000000000000000000000000-password";
      };
      ports.http = { port = 80; url = "http"; token = "tokn"; };
    };
  };
}
