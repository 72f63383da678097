{
  kernelcore.containers.groups.a-group-with-quite-a-long-name = {
    enable = true;
    subnet = "10.77.3.0/24";
    and-a-container-with-an-even-longer-name.config = { };
  };
}
