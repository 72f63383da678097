# A change of a guest's configuration is a switch inside of it, as a switch of a host is: its other services run on.
{ pkgs }:

let
  web = import ./lib/web.nix;
in
pkgs.testers.runNixOSTest {
  name = "a-guest-switches-from-inside";

  nodes.host = {
    imports = [ ./lib/host.nix ];
    kernelcore.containers.groups.lab.one = web { text = "one"; };

    specialisation.more.configuration.kernelcore.containers.groups.lab.one.config = {
      environment.etc.greeting.text = "hello from the new system";
    };
  };

  testScript = ''
    guest = "ctr lab exec one --"

    host.wait_for_unit("ctrd.service")
    host.succeed("ctr lab wait --timeout 5min")
    leader = host.succeed("machinectl show lab-one --property=Leader --value")
    service = host.succeed(f"{guest} systemctl show -P MainPID web.service")
    host.fail(f"{guest} test -e /etc/greeting")

    host.succeed("/run/booted-system/specialisation/more/bin/switch-to-configuration test >&2")
    host.wait_until_succeeds(f"{guest} grep hello /etc/greeting", timeout=120)

    assert leader == host.succeed("machinectl show lab-one --property=Leader --value"), "the guest was restarted"
    assert service == host.succeed(f"{guest} systemctl show -P MainPID web.service"), "its service was restarted"

    # The next start is of the new system.
    host.succeed("ctr lab restart one --timeout 5min")
    host.succeed(f"{guest} grep hello /etc/greeting")
  '';
}
