# docs/reference/options.md, from the options.
#
#   nix-instantiate --eval --strict --json options.nix --argstr lib LIB
{ lib }:

let
  library = import lib;
  inherit (library) concatMapStrings filter;

  inherit (import ./evaluate.nix { inherit lib; configuration = { }; }) options;
  top = options.kernelcore.containers;
  presets = import ../../nixos-module/presets;
  kits = [ "ml" "dev" ];

  # What is inside of an option whose type has options.
  within = option: option.type.getSubOptions [ ];
  kit = name: within top.${name};
  group = within top.groups;
  # The options that every container has are those of one without a preset.
  container = group._freeformOptions;
  preset = kitName: name: removeAttrs (within (kit kitName).${name}) (library.attrNames container);

  # Where a set of options stands is said above it: that many words of their names are left out, for a shorter one.
  listed =
    prefix: dropped: options:
    map (it: it // { name = library.concatStringsSep "." (prefix ++ [ (library.showOption (library.drop dropped it.loc)) ]); }) (
      filter (it: it.visible && !it.internal) (
        library.optionAttrSetToDocList (removeAttrs options [ "_module" "_freeformOptions" ])
      )
    );
  entries =
    prefix: dropped: options:
    concatMapStrings entry (library.sort (one: other: one.name < other.name) (listed prefix dropped options));

  # A value as a person would write it.
  written =
    it:
    if it._type or null == "literalMD" || it._type or null == "literalDocBook" then
      it.text
    else if it._type or null == "literalExpression" || it._type or null == "literalExample" then
      code it.text
    else
      code (value it);
  # On one line, where that is readable.
  value =
    it:
    let
      line = library.generators.toPretty { multiline = false; } it;
    in
    if builtins.isFloat it then
      builtins.toJSON it
    else if library.stringLength line <= 100 then
      line
    else
      library.generators.toPretty { } it;
  code =
    text:
    let
      trimmed = library.removeSuffix "\n" text;
    in
    if library.hasInfix "\n" trimmed then "\n\n```nix\n${trimmed}\n```\n" else "`${trimmed}`";

  words = it: library.removeSuffix "\n" (if it ? text then it.text else it);

  # Types in fewer words than nixpkgs has for them.
  type =
    builtins.replaceStrings
      [
        "\n"
        "(optionally newline-terminated) single-line string"
        "16 bit unsigned integer; between 0 and 65535 (both inclusive)"
        "attribute set of"
        "(submodule)"
        "(path)"
        "string matching the pattern /.*"
        "(positive integer, meaning >0)"
        "positive integer, meaning >0,"
        "positive integer, meaning >0"
        "(unsigned integer, meaning >=0)"
        "unsigned integer, meaning >=0,"
        "unsigned integer, meaning >=0"
      ]
      [
        "\\n"
        "one line"
        "port"
        "set of"
        "set"
        "path"
        "absolute path"
        "positive integer"
        "positive integer"
        "positive integer"
        "integer from 0"
        "integer from 0"
        "integer from 0"
      ];

  line = title: text: "- ${title}: ${library.removeSuffix "\n" text}\n";

  entry =
    it:
    "### `${it.name}`\n\n${words it.description}\n\n"
    + line "Type" (type it.type)
    + (
      if it.readOnly then
        "- It is read, and not set.\n"
      else if it ? default then
        line "Default" (written it.default)
      else
        "- It has no default.\n"
    )
    + library.optionalString (it ? example) (line "Example" (written it.example))
    + "\n";

  section = title: text: body: "## ${title}\n\n${text}\n\n${body}";

  presetSection =
    kitName: name:
    section "`kernelcore.containers.${kitName}.${name}`" presets.${kitName}.${name}.description
      (entries [ kitName name ] 0 (preset kitName name));
in
''
  # Options of the NixOS module

  All options of `kernelcore.containers`, made from the options themselves: `tests/nix/run.sh --bless options`. What they
  become is a [declaration](declaration.md), where each is explained further: `autoStart` is `autostart` there, and
  `startTimeout` is `start-timeout`. What presets run, and where their data is, is in the
  [reference of presets](presets.md).

''
+ section "The host" "Directly in `kernelcore.containers`." (entries [ ] 2 (removeAttrs top ([ "groups" ] ++ kits)))
+ section "Groups" ''
  `kernelcore.containers.ml` and `kernelcore.containers.dev`, which have presets, and
  `kernelcore.containers.groups.<name>`, which have none. Every name in a group that is no option is a container.''
  (entries [ "<group>" ] 1 (removeAttrs group (library.attrNames presets)))
+ section "Containers" ''
  What every container has: presets, such as `kernelcore.containers.ml.ollama`, and others, such as
  `kernelcore.containers.groups.lab.web`.''
  (entries [ "<container>" ] 2 container)
+ library.concatMapStrings (
  kitName: library.concatMapStrings (presetSection kitName) (library.attrNames presets.${kitName})
) kits
