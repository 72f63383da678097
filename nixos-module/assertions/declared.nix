# The groups and containers that are enabled, each with the option that a person writes for it.
{ config, lib }:

let
  presets = import ../presets;
  kits = lib.attrNames presets;

  at = path: lib.showOption ([ "kernelcore" "containers" ] ++ path);

  group = name: it: {
    inherit name it;
    path = lib.optional (!lib.elem name kits) "groups" ++ [ name ];
    option = at (lib.optional (!lib.elem name kits) "groups" ++ [ name ]);
    presets = lib.attrNames (presets.${name} or { });
  };

  container = group: name: it: {
    inherit group it name;
    id = "${group.name}/${name}";
    option = at (group.path ++ [ name ]);
    preset = lib.elem name group.presets;
  };

  groups = lib.mapAttrsToList group config.kernelcore.containers.allGroups;
in
{
  inherit groups kits;

  containers = lib.concatMap (
    group:
    lib.mapAttrsToList (container group) (lib.filterAttrs (_: it: it.enable) group.it.containers)
  ) groups;

  # Every group that can be spoken of, enabled or not.
  every = lib.mapAttrs group (
    config.kernelcore.containers.groups // lib.getAttrs kits config.kernelcore.containers
  );

  # The pairs of a list, the earlier one first.
  pairs =
    list:
    lib.concatLists (
      lib.imap1 (
        place: one:
        map (other: {
          inherit one other;
        }) (lib.drop place list)
      ) list
    );
}
