# The services that dev/proxy leads to: every port of an enabled container that has an address for people.
#
#   import ./routes.nix { inherit lib; containers = config.kernelcore.containers; }
#
# is a list of { group, container, reference, description, name, upstream, scheme }. A container with one such
# port is `<container>.<group>`, one with several has a name for each, `<port>.<container>.<group>`.
{ lib, containers }:

let
  inherit (containers.dev) proxy;

  led = port: port.protocol == "tcp" && lib.elem port.url [ "http" "https" ];

  ofContainer =
    group: name: it:
    let
      ports = lib.filter led (lib.attrValues it.ports);
      own = "${name}.${group}";
      one = port: {
        inherit group;
        inherit (it) description;
        container = name;
        reference = "${group}/${name}";
        name = if lib.length ports == 1 then own else "${toString port.port}.${own}";
        upstream = "${own}:${toString port.port}";
        scheme = port.url;
      };
    in
    map one ports;

  ofGroup =
    group: it:
    lib.concatLists (
      lib.mapAttrsToList (ofContainer group) (
        lib.filterAttrs (name: it: it.enable && !(group == "dev" && name == "proxy")) it.containers
      )
    );
in
lib.concatLists (
  lib.mapAttrsToList ofGroup (
    lib.filterAttrs (name: _: proxy.groups == null || lib.elem name proxy.groups) containers.allGroups
  )
)
