# Stand-ins for packages, for hosts that are evaluated without nixpkgs: names that nobody builds.
{ lib }:

rec {
  package = name: {
    type = "derivation";
    inherit name;
    outPath = "/nix/store/00000000000000000000000000000000-${name}";
    meta = { };
  };

  pkgs =
    lib.genAttrs
      [
        "busybox"
        "coreutils"
        "curl"
        "iptables"
        "jq"
        "nftables"
      ]
      package
    // {
      inherit lib;
      config.allowUnfree = true;
      path = throw "somebody looked for nixpkgs";
      # The one package that the host side makes itself.
      callPackage = file: _: package "ours" // { inherit file; };
      writeText = name: text: package name // { inherit text; };
      writeTextDir = name: _: package (baseNameOf name);
      runCommand =
        name: _: script:
        package name // { inherit script; };
      stdenv = {
        buildPlatform.canExecute = _: true;
        hostPlatform = { };
      };
    };

  # A host with these modules.
  host =
    pkgs: modules:
    lib.evalModules {
      modules = [
        ../host.nix
        ../../../nixos-module
        {
          # What two say together.
          options.security = lib.mkOption {
            type = lib.types.submodule {
              options.polkit.extraConfig = lib.mkOption {
                type = lib.types.lines;
                default = "";
              };
            };
          };
        }
        {
          _module.args = { inherit pkgs; };
          # What NixOS makes of the text.
          environment.etc."ctr/containers.toml".source = "the file in /etc";
          systemd.package = package "systemd";
          kernelcore.containers.evalContainer =
            { name, ... }: "/nix/store/00000000000000000000000000000000-nixos-system-${name}";
        }
      ]
      ++ modules;
    };
}
