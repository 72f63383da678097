{
  kernelcore.containers.groups.lab = {
    enable = true;
    subnet = "10.77.3.0/24";
    model = {
      config = { };
      missing = { what = "no model"; hint = "set \"model\""; };
    };
    other = {
      config = { };
      missing.what = "nothing to do";
    };
  };
}
