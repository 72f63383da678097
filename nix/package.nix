# `ctrd`, `ctr` and what a host needs around them: the unit, the bus policy, polkit's actions, manual
# pages, completions.
#
#   pkgs.callPackage ./nix/package.nix { }
#
# The compiler has to be the one of Cargo.toml's `rust-version` or newer.
{
  lib,
  rustPlatform,
  installShellFiles,
  stdenv,
}:

let
  manifest = (builtins.fromTOML (builtins.readFile ../Cargo.toml)).workspace.package;

  # The tests are members of the workspace: cargo wants to see their manifests and their sources, although
  # nothing of them is built. What is Nix alone is left out, so that a change of it compiles nothing.
  source =
    let
      root = toString ../.;
      members = [
        "Cargo.toml"
        "Cargo.lock"
        "LICENSE-APACHE"
        "LICENSE-MIT"
        "api"
        "cli"
        "daemon"
        "dist"
        "tests"
      ];
      isNix = path: lib.hasPrefix "tests/nix" path;
    in
    lib.cleanSourceWith {
      name = "ctr-source";
      src = lib.cleanSource ../.;
      filter =
        path: _type:
        let
          relative = lib.removePrefix "${root}/" (toString path);
        in
        lib.elem (lib.head (lib.splitString "/" relative)) members
        && !isNix relative
        && baseNameOf relative != "target";
    };

  # Where the package is built for another machine than the one that builds it, `ctr` cannot run to write
  # them. Everything else is the same.
  writtenByCtr = lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
    $out/bin/ctr man man1
    installManPage man1/*
    installShellCompletion --cmd ctr \
      --bash <($out/bin/ctr completions bash) \
      --fish <($out/bin/ctr completions fish) \
      --zsh <($out/bin/ctr completions zsh)
  '';
in
rustPlatform.buildRustPackage {
  pname = "ctr";
  inherit (manifest) version;
  src = source;

  cargoLock.lockFile = ../Cargo.lock;
  cargoBuildFlags = [
    "--package=ctrd"
    "--package=ctr"
  ];

  # They need root, namespaces and a booted systemd, which a build has none of: `cargo test` in the source tree,
  # and the tests in tests/nixos in virtual machines.
  doCheck = false;

  nativeBuildInputs = [ installShellFiles ];

  postInstall = ''
    install -D -m 644 -t $out/share/dbus-1/system.d dist/org.kernelcore.Containers1.conf
    install -D -m 644 -t $out/share/polkit-1/actions dist/org.kernelcore.Containers1.policy
    install -D -m 644 -t $out/lib/systemd/catalog dist/ctr.catalog
    install -D -m 644 -t $out/lib/systemd/system dist/ctrd.service
    # Programs by name would be looked for where NixOS has none.
    sed -E -i "s,^(Exec[A-Za-z]+)=(/usr/bin/)?(ctrd?) ,\\1=$out/bin/\\3 ," $out/lib/systemd/system/ctrd.service
    if grep "^Exec" $out/lib/systemd/system/ctrd.service | grep -v "=$out/bin/"; then
      echo "ctrd.service runs a program that is not in this package" >&2
      exit 1
    fi

    # For who wants them: a host's module, or a person. Not where systemd, polkit or udev would find them.
    install -D -m 644 -t $out/share/ctr dist/10-ctr-operators.rules dist/10-ctr.sysctl.conf
    install -D -m 644 -t $out/share/ctr/nftables dist/nftables/*.nft
    install -D -m 644 -t $out/share/ctr/udev dist/udev/*.rules

    ${writtenByCtr}
  '';

  # What tells this package from another one that is called `ctr` as well, containerd's for example.
  passthru.kernelcoreContainers = true;

  meta = {
    description = "Keeps declared systemd-nspawn containers running: the daemon ctrd and the command ctr";
    license = [
      lib.licenses.mit
      lib.licenses.asl20
    ];
    platforms = lib.platforms.linux;
    mainProgram = "ctr";
  };
}
