# Names of groups, containers and machines.
{
  config,
  declared,
  lib,
  ...
}:

let
  inherit (import ../lib) commands names;
  inherit (declared) containers groups pairs;
  rule = "a name has a to z, 0 to 9 and, between them, `-`, and at most 64 characters";

  # `ml` and `dev` are options of their own.
  twice = map (
    kit:
    "kernelcore.containers.groups.${kit}: `${kit}` is a group that is there already. Write `kernelcore.containers.${kit}`."
  ) (lib.filter (kit: config.kernelcore.containers.groups ? ${kit}) declared.kits);

  groupNames = lib.concatMap (
    group:
    lib.optional (!names.isName group.name) "${group.option}: ${rule}. Rename the group."
    ++ lib.optional (lib.elem group.name commands)
      "${group.option}: `ctr ${group.name}` is a command. Rename the group, to `${group.name}-group` for example."
  ) groups;

  containerNames = lib.concatMap (
    it:
    if !names.isName it.name then
      [ "${it.option}: ${rule}. Rename the container." ]
    else
      lib.optional (lib.stringLength it.it.machine > 64)
        "${it.option}: its machine name, ${it.it.machine}, would have ${toString (lib.stringLength it.it.machine)} characters, and 64 are the most. Shorten the name of the group or of the container."
  ) containers;

  alike =
    map
      (
        pair:
        "${pair.one.option} and ${pair.other.option} would both be the machine `${pair.other.it.machine}`. Rename one of them."
      )
      (lib.filter (pair: pair.one.it.machine == pair.other.it.machine) (pairs containers));

  # A word leads to one container of its group.
  aliases = lib.concatMap (
    group:
    let
      own = lib.filter (it: it.group.name == group.name) containers;
      words = lib.concatMap (it: map (word: { inherit it word; }) it.it.aliases) own;
    in
    lib.concatMap (
      { it, word }:
      lib.optional (!names.isName word) "${it.option}.aliases: \"${word}\" is no name: ${rule}."
      ++ map (
        other: "${it.option}.aliases: \"${word}\" is the name of ${other.option} already. Choose another alias."
      ) (lib.filter (other: other.name == word) own)
    ) words
    ++
      map
        (
          pair:
          "${pair.one.it.option} and ${pair.other.it.option} both have the alias \"${pair.one.word}\". Remove it from one of them."
        )
        (lib.filter (pair: pair.one.word == pair.other.word) (pairs words))
  ) groups;
in
twice ++ groupNames ++ containerNames ++ alike ++ aliases
