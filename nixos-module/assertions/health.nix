# A probe is one thing.
{ declared, lib, ... }:

let
  one =
    it:
    let
      inherit (it.it) health;
      kinds =
        lib.optional (health.http != null) "http"
        ++ lib.optional (health.tcp != null) "tcp"
        ++ lib.optional (health.command != [ ]) "command";
    in
    if health == null then
      lib.optional (it.it.restart.onUnhealthy == true)
        "${it.option}.restart.onUnhealthy: there is no probe. Write `${it.option}.health`, or remove it."
    else
      lib.optional (lib.length kinds > 1)
        "${it.option}.health: ${lib.concatMapStringsSep " and " (kind: "`${kind}`") kinds} are set, and a probe is one of them. Remove the others."
      ++ lib.optional (kinds == [ ]) "${it.option}.health: write one of `http`, `tcp` and `command`."
      ++ lib.optional (health.user != null && health.command == [ ])
        "${it.option}.health.user: runs a `command`, and there is none. Remove it.";
in
lib.concatMap one declared.containers
