# The hosts of tests/nixos, which nobody can boot here, have no mistake that an evaluation finds.
{ lib, ... }:

let
  inherit (import ./packages.nix { inherit lib; }) host pkgs;

  # A host's options that only these tests use.
  specialisations = {
    options.specialisation = lib.mkOption {
      type = lib.types.attrsOf (
        lib.types.submodule {
          options.configuration = lib.mkOption { type = lib.types.deferredModule; };
        }
      );
      default = { };
    };
  };

  # What is wrong with a host, and with each of its specialisations.
  wrong =
    modules:
    let
      inherit (host pkgs (modules ++ [ specialisations ])) config;
      inherit (config.kernelcore.containers) declarationText;
      # Whoever looks at these looks at everything that makes them.
      said = lib.stringLength declarationText > 0 && lib.attrNames config.systemd.services != [ ];
    in
    map (it: it.message) (lib.filter (it: !it.assertion) config.assertions)
    ++ lib.optional (config.kernelcore.containers.daemon.enable && !said) "nothing is declared, and nothing runs it"
    ++ lib.concatMap (
      it:
      wrong (
        modules
        ++ [
          it.configuration
          { specialisation = lib.mkForce { }; }
        ]
      )
    ) (lib.attrValues config.specialisation);

  runNixOSTest = test: {
    inherit (test) name;
    script = builtins.stringLength test.testScript > 0;
    wrong = lib.concatMap (node: wrong [ node ]) (lib.attrValues test.nodes);
  };

  tests = import ../../nixos { pkgs = pkgs // { testers = { inherit runNixOSTest; }; }; };
in
lib.mapAttrsToList (file: test: {
  says = "${lib.replaceStrings [ "-" ] [ " " ] file}: its hosts can be evaluated, and its name is its file's";
  ok = test.wrong == [ ] && test.script && test.name == file;
})
  # It needs no virtual machine, and all of nixpkgs.
  (removeAttrs tests [ "a-bad-declaration-fails-the-build" ])
