{
  kernelcore.containers.groups = {
    My_Lab = { enable = true; subnet = "10.77.3.0/24"; web.config = { }; };
    status = { enable = true; subnet = "10.77.4.0/24"; web.config = { }; };
    lab = { enable = true; subnet = "10.77.5.0/24"; "Web Server" = { config = { }; offset = 20; }; };
  };
}
