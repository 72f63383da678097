# Without flakes: `nix-build` makes the package, and a NixOS configuration takes the module,
#
#   imports = [ (import ./ctr { }).nixosModule ];
{
  pkgs ? import <nixpkgs> { },
}:

{
  ctr = pkgs.callPackage ./nix/package.nix { };
  overlay = import ./nix/overlay.nix;
  nixosModule = ./nixos-module;
}
