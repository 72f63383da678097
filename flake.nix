{
  description = "Declared systemd-nspawn containers: the daemon ctrd, the command ctr, and kernelcore.containers for NixOS";

  # The compiler has to be Rust 1.89 or newer, which nixpkgs has since NixOS 25.11. A configuration that has a nixpkgs of
  # its own says `inputs.ctr.inputs.nixpkgs.follows = "nixpkgs"`.
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      forEachSystem =
        make:
        lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (system: make nixpkgs.legacyPackages.${system});
    in
    {
      packages = forEachSystem (pkgs: rec {
        ctr = pkgs.callPackage ./nix/package.nix { };
        default = ctr;
      });

      overlays.default = import ./nix/overlay.nix;

      # It builds ctr with the packages of the host that takes it, and needs no overlay.
      nixosModules.default = ./nixos-module;

      # `nix build .#checks.x86_64-linux.boots-in-order`: each test is a virtual machine.
      checks = forEachSystem (
        pkgs:
        import ./tests/nixos { inherit pkgs; }
        // {
          package = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
        }
      );

      devShells = forEachSystem (pkgs: {
        default = pkgs.callPackage ./nix/shell.nix { };
      });

      formatter = forEachSystem (pkgs: pkgs.nixfmt-tree);
    };
}
