# What would be wrong with a declaration, said where it is written: by the option's path, and what to write.
#
# Each concern is a function to a list of sentences. `ctrd check` looks at the declaration as well, when the system
# is built; what is said here is what only NixOS knows, and what is better said with the name of an option.
#
# Only enabled groups and containers are looked at, and no guest's system is evaluated for it.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  declared = import ./declared.nix { inherit config lib; };
  suggest = import ./suggest.nix { inherit lib; };

  sentences = lib.concatMap (concern: import concern { inherit config declared lib pkgs suggest; }) [
    ./names.nix
    ./subnets.nix
    ./addresses.nix
    ./ports.nix
    ./references.nix
    ./order.nix
    ./roots.nix
    ./programs.nix
    ./gpu.nix
    ./health.nix
    ./credentials.nix
    ./machines.nix
    ./text.nix
    ./old-words.nix
  ];
in
{
  config.assertions = map (message: {
    assertion = false;
    inherit message;
  }) sentences;
}
