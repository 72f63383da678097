# What every guest of this module is, whoever configured it.
#
#   import ./guest { host = { config, options, pkgs }; container = <its options>; option = "kernelcore.…"; }
{
  host,
  container,
  option,
}:

{
  imports = [
    (import ./base.nix { inherit host container; })
    (import ./refused.nix { inherit option; })
  ];
}
