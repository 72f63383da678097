# Where containers' files come from: one of `config`, `system`, `tree` and `directory`.
{
  declared,
  lib,
  suggest,
  ...
}:

let
  quoted = names: lib.concatMapStringsSep " and " (name: "`${name}`") names;

  nothing =
    it:
    let
      near = suggest it.name it.group.presets;
    in
    "${it.option}: "
    + (
      if near == null then
        "nothing says where its files come from:"
      else
        "there is no preset of this name; did you mean `${near}`? For a container of your own:"
    )
    + " write one of `config` (a NixOS configuration), `system` (a built one), `tree` and `directory`.";

  one =
    it:
    let
      kinds = it.it.kinds;
      others = lib.remove "config" kinds;
    in
    if kinds == [ ] then
      [ (nothing it) ]
    else if it.preset && others != [ ] then
      [ "${it.option}: ${quoted others} cannot be set: a preset is a NixOS system that `config` adds to. Declare a container of another name for it." ]
    else if lib.length kinds > 1 then
      [ "${it.option}: ${quoted kinds} are set, and a container has one of them. Remove the others." ]
    else
      lib.optional (it.it.system != null && !lib.hasPrefix "${builtins.storeDir}/" "${it.it.system}")
        "${it.option}.system: ${it.it.system} is no path of ${builtins.storeDir}. Write the system of a configuration, as `nixosConfigurations.web.config.system.build.toplevel`; for other trees there are `tree` and `directory`.";
in
lib.concatMap one declared.containers
