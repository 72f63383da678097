# What ctr promises, on NixOS: `nix build .#checks.x86_64-linux.<file>`, or without flakes
# `nix-build tests/nixos -A <file>`.
#
# Each file beside this one has one test, and its name says what is tested. A test boots virtual machines, which wants
# KVM to be quick.
{
  pkgs ? import <nixpkgs> { },
}:

let
  inherit (pkgs) lib;
  isTest = name: type: type == "regular" && lib.hasSuffix ".nix" name && name != "default.nix";
in
lib.mapAttrs' (
  name: _: lib.nameValuePair (lib.removeSuffix ".nix" name) (import (./. + "/${name}") { inherit pkgs; })
) (lib.filterAttrs isTest (builtins.readDir ./.))
