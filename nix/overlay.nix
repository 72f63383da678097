# `pkgs.ctr`: the package of this source tree, built with whatever nixpkgs this is laid over.
final: _prev: { ctr = final.callPackage ./package.nix { }; }
