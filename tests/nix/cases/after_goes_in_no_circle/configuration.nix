{
  kernelcore.containers.groups.lab = {
    enable = true;
    subnet = "10.77.3.0/24";
    a = { config = { }; after = [ "lab/b" ]; };
    b = { config = { }; after = [ "lab/c" "lab/d" ]; };
    c = { config = { }; after = [ "lab/a" ]; };
    d = { config = { }; };
    e = { config = { }; after = [ "lab/f" "lab/a" ]; };
    f = { config = { }; after = [ "lab/e" ]; };
  };
}
