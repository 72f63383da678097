# What a file of statements says, a line for each: "ok …" or "not …".
#
#   nix-instantiate --eval --strict --json statements.nix --arg file FILE [--argstr lib LIB]
#
# A file is a list of { says, ok }, or a function to one, from `evaluate` (./guest.nix) or from the library.
{
  file,
  lib ? null,
}:

let
  said = import file;
  arguments = {
    evaluate = import ./guest.nix { inherit lib; };
    lib = import lib;
  };
  statements =
    if builtins.isFunction said then said (builtins.intersectAttrs (builtins.functionArgs said) arguments) else said;
  line =
    { says, ok }:
    let
      tried = builtins.tryEval ok;
    in
    if tried.success && tried.value then "ok ${says}" else "not ${says}";
in
if statements == [ ] then throw "no statement is in this file" else builtins.concatStringsSep "\n" (map line statements)
