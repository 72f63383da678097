# Evaluates the module on the host of ./host.nix:
#
#   nix-instantiate --eval --strict --json evaluate.nix --argstr lib LIB --arg configuration FILE -A result
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
    config.allowUnfree = true;
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
        kernelcore.containers.evalContainer =
          { name, ... }: "/nix/store/00000000000000000000000000000000-nixos-system-${name}";
      }
    ];
  };
  inherit (system) config;
  failed = library.filter (it: !it.assertion) config.assertions;
in
{
  inherit (system) options config;
  inherit (config.kernelcore.containers) declaration declarationText;

  # What a rebuild would say: its failed assertions, or else the text of the declaration.
  result =
    if failed != [ ] then
      { problems = map (it: it.message) failed; }
    else
      {
        inherit (config) warnings;
        text = config.kernelcore.containers.declarationText;
        same = builtins.fromTOML config.kernelcore.containers.declarationText == config.kernelcore.containers.declaration;
      };
}
