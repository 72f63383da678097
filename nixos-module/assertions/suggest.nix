# `suggest "olama" [ "ollama" "vllm" ]`: the name that was most likely meant, or null.
{ lib }:

wrong: names:
let
  inherit (lib) stringLength;
  distance = lib.strings.levenshtein wrong;
  # A third of a name may be wrong; a name that is longer than any can be is no slip of the fingers.
  near = lib.filter (
    name: stringLength wrong <= 64 && distance name * 3 <= lib.max (stringLength name) (stringLength wrong)
  ) names;
in
if near == [ ] then null else lib.head (lib.sort (one: other: distance one < distance other) near)
