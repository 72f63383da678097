# Evaluated: problems
let
  del = builtins.fromJSON "\"\\u007f\"";
in
{
  kernelcore.containers.groups.lab = {
    enable = true;
    subnet = "10.77.3.0/24";
    description = "rub${del}out";
    web = { config = { }; environment.X = "a${del}"; files."/etc/x${del}".text = "x"; };
  };
}
