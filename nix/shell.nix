# What it takes to change ctr: the compiler with its tools, and the programs that the tests call. The tests that boot
# hosts want Debian's mmdebstrap and root besides (docs/development/testing.md).
{
  mkShell,
  cargo,
  clippy,
  dbus,
  iproute2,
  iputils,
  nftables,
  nix,
  nixfmt,
  procps,
  rust-analyzer,
  rustc,
  rustfmt,
}:

mkShell {
  packages = [
    cargo
    clippy
    dbus
    iproute2
    iputils
    nftables
    nix
    nixfmt
    procps
    rust-analyzer
    rustc
    rustfmt
  ];
}
