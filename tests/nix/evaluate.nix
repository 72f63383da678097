# Evaluates the module on the host of ./host.nix:
#
#   nix-instantiate --eval --strict --json evaluate.nix --argstr lib LIB --arg configuration FILE -A outcome
#
# There are no packages: whoever looks at one fails. Guests are the names of systems that do not exist.
{
  lib,
  configuration,
}:

let
  library = import lib;
  # Neither a package nor a path of them is needed to evaluate the module.
  pkgs = {
    config = system.config.nixpkgs.config or { };
    path = throw "the module looked for nixpkgs";
    iptables = "/nix/store/00000000000000000000000000000000-iptables";
  };
  system = library.evalModules {
    modules = [
      ./host.nix
      ../../nixos-module
      configuration
      {
        _module.args = { inherit pkgs; };
        kernelcore.containers.evalContainer = library.mkDefault (
          { name, ... }: "/nix/store/00000000000000000000000000000000-nixos-system-${name}"
        );
      }
    ];
  };
  inherit (system) config;
  inherit (config.kernelcore.containers) declaration declarationText;

  problems = map (it: it.message) (library.filter (it: !it.assertion) config.assertions);
  # A group without containers has no table of them in the text.
  read = builtins.fromTOML declarationText;
  same = declaration == read // { groups = library.mapAttrs (_: it: { containers = { }; } // it) (read.groups or { }); };

  section = title: lines: library.optionals (lines != [ ]) ([ "--- ${title}" ] ++ lines);
in
{
  inherit (system) options config;
  inherit declaration declarationText;

  # What a rebuild would say: its failed assertions, or else the text of the declaration.
  result =
    if problems != [ ] then
      { inherit problems; }
    else
      {
        inherit (config) warnings;
        inherit declaration same;
        text = declarationText;
      };

  # The same and the declaration in any case, as sections of lines.
  outcome = library.concatStringsSep "\n" (
    section "problems" problems
    ++ section "warnings" config.warnings
    ++ section "unlike" (library.optional (!same) "The text of the declaration does not say what the declaration says.")
    ++ section "declaration" [ declarationText ]
  );

  # The problems alone, for a host whose guests cannot be evaluated.
  problems = library.concatStringsSep "\n" (section "problems" problems);
}
