# `after` and `reach` name what is declared.
{
  declared,
  lib,
  suggest,
  ...
}:

let
  inherit (declared) containers every groups;

  ids = map (it: it.id) containers;
  known = ids ++ map (group: group.name) groups;
  byId = id: lib.findFirst (it: it.id == id) null containers;

  # "ml/ollama" -> [ "ml" "ollama" ], "ml" -> [ "ml" ]
  parts = lib.splitString "/";

  meant =
    reference: names:
    let
      near = suggest reference names;
    in
    if near == null then "Remove it, or declare it." else "Did you mean \"${near}\"?";

  # Why there is no such thing, and what to write.
  why =
    reference: names:
    let
      group = every.${lib.head (parts reference)} or null;
      name = lib.last (parts reference);
      it = group.it.containers.${name} or null;
      aliased = lib.findFirst (it: it.group.name == lib.head (parts reference) && lib.elem name it.it.aliases) null containers;
    in
    if group == null then
      "there is no group `${lib.head (parts reference)}`. ${meant reference names}"
    else if !group.it.enable then
      "${group.option} is not enabled. Write `${group.option}.enable = true;`, or remove it."
    else if it != null then
      "${group.option}.${lib.showOption [ name ]} is not enabled. Write `${group.option}.${lib.showOption [ name ]}.enable = true;`, or remove it."
    else if aliased != null then
      "that is an alias. Write \"${aliased.id}\"."
    else
      "${group.option} has no container `${name}`. ${
        meant reference (map (name: "${group.name}/${name}") (lib.attrNames group.it.containers))
      }";

  after =
    it:
    lib.concatMap (
      reference:
      if reference == it.id then
        [ "${it.option}.after: \"${reference}\" is the container itself. Remove it." ]
      else if lib.length (parts reference) != 2 then
        [ "${it.option}.after: \"${reference}\" is no `<group>/<container>`. ${meant "${it.group.name}/${reference}" ids}" ]
      else
        lib.optional (byId reference == null) "${it.option}.after: \"${reference}\": ${why reference ids}"
    ) (lib.unique it.it.after);

  reach =
    group:
    lib.concatMap (
      reference:
      if lib.head (parts reference) == group.name then
        [ "${group.option}.reach: \"${reference}\" is within the group, where everybody reaches everybody. Remove it." ]
      else
        lib.optional (!lib.elem reference known) "${group.option}.reach: \"${reference}\": ${why reference known}"
    ) (lib.unique group.it.reach);
in
lib.concatMap after containers ++ lib.concatMap reach groups
