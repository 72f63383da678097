# Writes the declaration as TOML, at evaluation: it is seen before anything is built, and `builtins.fromTOML`
# reads it back. Only builtins.
#
# A table that is a group or a container gets a header of its own, every other one is written inline. A text is
# written as JSON writes it, which TOML reads alike, but for the character DEL (TOML 1.0, "String").
let
  inherit (builtins)
    attrNames
    concatMap
    concatStringsSep
    filter
    isAttrs
    isList
    match
    toJSON
    ;

  key = text: if match "[A-Za-z0-9_-]+" text != null then text else toJSON text;

  # JSON has no numbers that are whole and of floating point at once: 2.0 is written as 2 by some versions of
  # Nix. The declaration takes either.
  value =
    it:
    if isAttrs it then
      if it == { } then "{}" else "{ ${concatStringsSep ", " (map (name: "${key name} = ${value it.${name}}") (attrNames it))} }"
    else if isList it then
      "[${concatStringsSep ", " (map value it)}]"
    else
      toJSON it;

  lines = table: map (name: "${key name} = ${value table.${name}}") (attrNames table);

  # A table with a header, after an empty line.
  section = path: table: [ "" "[${concatStringsSep "." (map key path)}]" ] ++ lines table;

  group =
    name: table:
    section [ "groups" name ] (removeAttrs table [ "containers" ])
    ++ concatMap (
      container: section [ "groups" name "containers" container ] table.containers.${container}
    ) (attrNames (table.containers or { }));
in
{
  # A declaration, `{ schema = 1; groups.<group>.containers.<container> = { … }; }`, as the text of a file.
  write =
    declaration:
    let
      top = removeAttrs declaration [ "groups" ];
      groups = declaration.groups or { };
    in
    concatStringsSep "\n" (lines top ++ concatMap (name: group name groups.${name}) (attrNames groups)) + "\n";

  # Without the keys that say nothing: null, and lists and tables that are empty.
  compact =
    table:
    let
      says = name: table.${name} != null && table.${name} != [ ] && table.${name} != { };
    in
    builtins.listToAttrs (
      map (name: { inherit name; value = table.${name}; }) (filter says (attrNames table))
    );
}
