# What is said of a container's processes fits to what it runs.
{ declared, lib, ... }:

let
  one =
    it:
    let
      tree = it.it.tree != null || it.it.directory != null;
      command = it.it.command != [ ];
    in
    lib.optional (command && !tree)
      "${it.option}.command: a NixOS guest boots. Write a unit in `config`, `systemd.services.<name>`, or run the command in a `tree` or a `directory`."
    ++ lib.optional (it.it.units != [ ] && !tree)
      "${it.option}.units: a NixOS guest has its units in `config`. Write `wantedBy = [ \"multi-user.target\" ]` there."
    ++ lib.optional (it.it.units != [ ] && tree && command)
      "${it.option}.units: a container with a `command` has no units. Remove one of the two."
    ++ lib.concatMap (
      word:
      lib.optional (it.it.${word} != null && !command)
        "${it.option}.${word}: belongs to a `command`, and there is none. Remove it."
    ) ([ "workingDirectory" ] ++ lib.optional (!it.preset) "user");
in
lib.concatMap one declared.containers
