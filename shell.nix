# Without flakes: `nix-shell`.
{
  pkgs ? import <nixpkgs> { },
}:

pkgs.callPackage ./nix/shell.nix { }
