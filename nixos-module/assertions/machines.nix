# Names of machines are the host's: containers of NixOS have them as well.
{
  config,
  declared,
  lib,
  ...
}:

map (
  it:
  "${it.option}: `${
    lib.showOption [ "containers" it.it.machine ]
  }` of NixOS would be the machine `${it.it.machine}`, too. Remove that, or rename one of them."
) (lib.filter (it: (config.containers or { }) ? ${it.it.machine}) declared.containers)
