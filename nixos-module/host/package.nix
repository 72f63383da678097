# The programs, and the command `ctr` for everybody.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  cfg = config.kernelcore.containers.daemon;
in
{
  options.kernelcore.containers.daemon.package = lib.mkOption {
    type = lib.types.package;
    # Others have a `ctr` too: only the package of our own overlay is taken from there.
    default =
      if pkgs.ctr.kernelcoreContainers or false then
        pkgs.ctr
      else
        pkgs.callPackage ../../nix/package.nix { };
    defaultText = lib.literalMD "ctr as this module's source has it, built with the host's packages";
    description = ''
      The package of ctrd and ctr.

      containerd has a program `ctr` as well, and so has the package of k3s. Where one of them is on the host,
      `ctr` is ours: containerd's is still in its own package, and k3s has it as `k3s ctr`.
    '';
  };

  config = lib.mkIf cfg.enable {
    environment.systemPackages = [
      # Two programs of one name are a conflict that a build only warns of: whichever package comes first has it.
      (lib.hiPrio cfg.package)

      # To look at ctrd's tables by hand: `nft list table inet ctr`.
      pkgs.nftables
    ];
  };
}
