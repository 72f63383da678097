# Evaluated: problems
{
  kernelcore.containers = {
    evalContainer = throw "a guest was evaluated";
    groups.lab = {
      enable = true;
      subnet = "10.77.3.0/24";
      a = { offset = 20; config = { services = throw "a guest's configuration was looked at"; }; };
      b = { offset = 20; config = { lib, ... }: throw "a guest's configuration was looked at"; };
    };
  };
}
