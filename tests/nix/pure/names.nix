let
  inherit (import ../../../nixos-module/lib) commands names;

  # The words of ctr itself: each stands alone on a line or in a list, in quotes.
  words = builtins.filter builtins.isList (
    builtins.split "\"([a-z-]+)\"," (builtins.readFile ../../../api/src/words.rs)
  );
  last = builtins.filter builtins.isList (
    builtins.split "\"([a-z-]+)\"[]]" (builtins.readFile ../../../api/src/words.rs)
  );
  ofCtr = map (it: builtins.elemAt it 0) (words ++ last);
in
[
  {
    says = "a machine is called by group and container";
    ok = names.machine "ml" "ollama" == "ml-ollama" && names.machine "ml" "mlx" == "ml-mlx";
  }
  {
    says = "a container that is called by its group already is called so";
    ok = names.machine "dev" "dev-ml" == "dev-ml";
  }
  {
    says = "the place of a name is the same for ever";
    ok = names.place "whisper" == 127 && names.place "web" == 33;
  }
  {
    says = "places of names are from 32 to 250";
    ok = builtins.all (it: let place = names.place (toString it); in place >= 32 && place <= 250) (
      builtins.genList (it: it) 500
    );
  }
  {
    says = "names are those of hosts";
    ok =
      builtins.all names.isName [ "a" "0" "ml" "dev-ml" "a--b" ]
      && !builtins.any names.isName [ "" "-a" "a-" "A" "a_b" "a.b" "é" ]
      && names.isName (builtins.substring 0 64 (builtins.concatStringsSep "" (builtins.genList (_: "a") 65)))
      && !names.isName (builtins.concatStringsSep "" (builtins.genList (_: "a") 65));
  }
  {
    says = "an option is a key of the declaration in kebab-case";
    ok = names.key "memoryMax" == "memory-max" && names.key "onUnhealthy" == "on-unhealthy" && names.key "after" == "after";
  }
  {
    says = "no group is called like a command of ctr: the words are the same";
    ok = builtins.sort builtins.lessThan ofCtr == commands;
  }
]
