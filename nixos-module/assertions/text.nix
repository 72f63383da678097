# The one character that JSON has in a text and TOML has not: DEL. The declaration's texts are written as JSON's.
{ declared, lib, ... }:

let
  del = builtins.fromJSON "\"\\u007f\"";

  has =
    it:
    if builtins.isString it then
      builtins.replaceStrings [ del ] [ "" ] it != it
    else if builtins.isList it then
      lib.any has it
    else if builtins.isAttrs it then
      lib.any has (lib.attrNames it ++ lib.attrValues it)
    else
      false;

  # A root is a path of the store or of the host; to look at it would be to evaluate the guest.
  said = table: lib.attrNames (lib.filterAttrs (_: has) (removeAttrs table [ "containers" "root" ]));

  one =
    { option, table }:
    map (
      key: "${option}: in `${key}` of its declaration there is the control character DEL (0x7f). Remove it."
    ) (said table);
in
lib.concatMap one (
  map (it: {
    inherit (it) option;
    table = it.it.declared;
  }) (declared.groups ++ declared.containers)
)
