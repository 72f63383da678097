# A generation with another set of containers, and back: what both have is not disturbed, what is gone leaves its data.
{ pkgs }:

let
  web = import ./lib/web.nix;
in
pkgs.testers.runNixOSTest {
  name = "a-rollback-brings-back-what-was";

  nodes.host = {
    imports = [ ./lib/host.nix ];
    kernelcore.containers.groups.lab.both = web { text = "both"; };

    specialisation.new.configuration.kernelcore.containers.groups.lab.added = web { text = "added"; };
  };

  testScript = ''
    def leader(container):
        return host.succeed(f"machinectl show lab-{container} --property=Leader --value")

    host.wait_for_unit("ctrd.service")
    host.succeed("ctr lab wait --timeout 5min")
    before = leader("both")

    host.succeed("/run/booted-system/specialisation/new/bin/switch-to-configuration test >&2")
    host.succeed("ctr lab wait added --timeout 5min")
    host.succeed("ctr lab exec added -- touch /var/lib/kept")

    host.succeed("/run/booted-system/bin/switch-to-configuration test >&2")
    host.wait_until_fails("machinectl show lab-added", timeout=120)
    host.succeed("test -d /var/lib/ctr/lab-added")
    assert leader("both") == before

    # And forward again: it finds its data.
    host.succeed("/run/booted-system/specialisation/new/bin/switch-to-configuration test >&2")
    host.succeed("ctr lab wait added --timeout 5min")
    host.succeed("ctr lab exec added -- test -e /var/lib/kept")
    assert leader("both") == before
  '';
}
