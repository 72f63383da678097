# With no group left and `daemon.enable` kept, a switch takes every container away; the next one takes ctrd away.
{ pkgs }:

let
  inherit (pkgs) lib;
  web = import ./lib/web.nix;
  none = {
    groups.lab.enable = lib.mkForce false;
  };
in
pkgs.testers.runNixOSTest {
  name = "the-last-group-goes-in-two-switches";

  nodes.host = {
    imports = [ ./lib/host.nix ];
    kernelcore.containers.groups.lab.one = web { text = "one"; };

    specialisation.empty.configuration.kernelcore.containers = none // {
      daemon.enable = true;
    };
    specialisation.gone.configuration.kernelcore.containers = none;
  };

  testScript = ''
    host.wait_for_unit("ctrd.service")
    host.succeed("ctr lab wait --timeout 5min", "ip link show br-lab")

    host.succeed("/run/booted-system/specialisation/empty/bin/switch-to-configuration test >&2")
    host.wait_until_fails("machinectl show lab-one", timeout=120)
    host.wait_until_fails("ip link show br-lab", timeout=60)
    host.succeed("systemctl is-active ctrd.service")

    host.succeed("/run/booted-system/specialisation/gone/bin/switch-to-configuration test >&2")
    host.fail("systemctl is-active ctrd.service", "test -e /etc/ctr/containers.toml")
    host.succeed("test -d /var/lib/ctr/lab-one")
  '';
}
