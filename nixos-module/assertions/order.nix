# `after` goes in no circle.
{ declared, lib, ... }:

let
  inherit (declared) containers;
  byId = lib.listToAttrs (map (it: lib.nameValuePair it.id it) containers);

  # Whom a container waits for. One that waits for itself is told elsewhere.
  next = id: lib.filter (other: other != id && byId ? ${other}) byId.${id}.it.after;

  # The shortest way from a container back to itself: the closure is found breadth first.
  circle =
    id:
    let
      ways = builtins.genericClosure {
        startSet = map (other: { key = other; way = [ id other ]; }) (next id);
        operator = { key, way }: map (other: { key = other; way = way ++ [ other ]; }) (next key);
      };
    in
    lib.findFirst (it: it.key == id) null ways;

  # A circle is told once: by the first in the alphabet of those in it.
  told = id: way: lib.all (other: id <= other) way;
in
lib.concatMap (
  it:
  let
    found = circle it.id;
  in
  lib.optional (found != null && told it.id found.way)
    "${it.option}.after: goes in a circle, ${lib.concatStringsSep " -> " found.way}. Remove one of these from the `after` of the one before it."
) containers
