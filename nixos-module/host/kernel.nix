# The kernel's settings and modules.
{ config, lib, ... }:

let
  cfg = config.kernelcore.containers.daemon;

  # dist/10-ctr.sysctl.conf says what and why, for hosts of every kind: sysctl.d(5).
  settings =
    let
      parsed = map (
        builtins.match "-?([a-z0-9_.]+)[[:space:]]*=[[:space:]]*([^[:space:]]+)[[:space:]]*"
      ) (lib.splitString "\n" (builtins.readFile ../../dist/10-ctr.sysctl.conf));
    in
    lib.listToAttrs (
      map (it: lib.nameValuePair (lib.elemAt it 0) (lib.elemAt it 1)) (lib.filter (it: it != null) parsed)
    );
in
{
  config = lib.mkIf cfg.enable {
    # Stronger than what NixOS sets by default, weaker than a word of the host's configuration.
    boot.kernel.sysctl = lib.mapAttrs (_: lib.mkOverride 900) (
      settings
      # Another name of the same switch, which NixOS sets to 0 in the same file.
      // {
        "net.ipv4.conf.all.forwarding" = settings."net.ipv4.ip_forward";
      }
    );

    # The kernel loads these by itself when they are needed, but not on a host that locks its modules after the boot
    # (`security.lockKernelModules`).
    boot.kernelModules = [
      # Links of guests, and the layers of trees.
      "bridge"
      "veth"
      "overlay"
      # What the tables of ctrd are made of.
      "nf_tables"
      "nft_chain_nat"
      "nft_ct"
      "nft_fib"
      "nft_fib_inet"
      "nft_fib_ipv4"
      "nft_masq"
      "nft_nat"
      # Who listens on a port that is to be published.
      "tcp_diag"
      "udp_diag"
    ];
  };
}
