# What a guest runs is not collected as garbage, whatever the host's own generations hold.
{ pkgs }:

let
  web = import ./lib/web.nix;
in
pkgs.testers.runNixOSTest {
  name = "systems-of-guests-are-kept";

  nodes.host = {
    imports = [ ./lib/host.nix ];
    kernelcore.containers.groups.lab.one = web { text = "one"; };
  };

  testScript = ''
    roots = "find /nix/var/nix/gcroots/ctr -type l"

    host.wait_for_unit("ctrd.service")
    host.succeed("ctr lab wait --timeout 5min")

    system = host.succeed("ctr lab exec one -- readlink -f /run/current-system").strip()
    kept = host.succeed(f"{roots} -exec readlink -f {{}} +").split()
    assert system in kept, f"{system} is not among {kept}"

    host.succeed("ctr down --yes")
    assert host.succeed(f"test ! -e /nix/var/nix/gcroots/ctr || {roots}") == ""
  '';
}
