# A declaration that ctrd would refuse fails the build of the host.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  cfg = config.kernelcore.containers;

  # What runs in the build is for the machine that builds.
  checker =
    if pkgs.stdenv.buildPlatform.canExecute pkgs.stdenv.hostPlatform then
      cfg.daemon.package
    else
      pkgs.buildPackages.callPackage ../../nix/package.nix { };

  # `ctrd check` looks at the words alone. Without their context the guests' systems, which may take hours, are
  # no input of the check: it says what it has to say at once.
  text = pkgs.writeText "containers.toml" (builtins.unsafeDiscardStringContext cfg.declarationText);

  check = pkgs.runCommand "ctr-declaration-check" { preferLocalBuild = true; } ''
    ${checker}/bin/ctrd check ${text}
    touch $out
  '';
in
{
  config = lib.mkIf cfg.daemon.enable {
    # Not the source of the file in /etc itself: a host whose declaration is good has nothing of the check in it.
    system.checks = [ check ];
  };
}
