{
  kernelcore.containers.groups.lab = {
    enable = true;
    subnet = "10.77.3.0/24";
    web = { config = { }; aliases = [ "db" "it" ]; };
    db = { config = { }; aliases = [ "it" "Pg" ]; };
  };
}
