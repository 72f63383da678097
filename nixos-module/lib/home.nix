# Directories of people that presets work on.
#
#   import ./home.nix { inherit lib host; }
{ lib, host }:

let
  users = host.config.users.users or { };
  people = lib.filterAttrs (_: it: it.isNormalUser or false) users;
  homeOf = name: it: it.home or "/home/${name}";
in
{
  # The default of an option that names one: `directory "dev/notebooks" "/var/lib/ml-jupyter/notebooks"` is
  # the first, in the home that this host's configuration has for its person, or the second where it has none.
  directory =
    inHome: otherwise:
    if lib.hasAttrByPath [ "system" "user" "homeDir" ] host.options then
      "${host.config.system.user.homeDir}/${inHome}"
    else if users ? kernelcore then
      "${homeOf "kernelcore" users.kernelcore}/${inHome}"
    else
      otherwise;

  # Whose home a path of the host is in: null where it is in nobody's. What is made there belongs to them.
  personOf =
    path:
    lib.findFirst (name: lib.hasPrefix "${homeOf name people.${name}}/" path) null (lib.attrNames people);
}
