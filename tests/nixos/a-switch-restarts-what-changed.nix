# A switch of the host reloads ctrd once, and restarts the one container whose declaration cannot be followed live.
{ pkgs }:

let
  web = import ./lib/web.nix;
in
pkgs.testers.runNixOSTest {
  name = "a-switch-restarts-what-changed";

  nodes.host = {
    imports = [ ./lib/host.nix ];
    kernelcore.containers.groups.lab = {
      changed = web { text = "changed"; } // {
        environment.COLOUR = pkgs.lib.mkDefault "red";
      };
      untouched = web { text = "untouched"; } // {
        description = pkgs.lib.mkDefault "as it was";
      };
    };

    specialisation.other.configuration.kernelcore.containers.groups.lab = {
      changed.environment.COLOUR = "blue";
      untouched.description = "with other words";
    };
  };

  testScript = ''
    def leader(container):
        return host.succeed(f"machinectl show lab-{container} --property=Leader --value").strip()

    host.wait_for_unit("ctrd.service")
    host.succeed("ctr lab wait --timeout 5min")
    before = {it: leader(it) for it in ["changed", "untouched"]}
    daemon = host.succeed("systemctl show -P MainPID ctrd.service")

    # What it would do is known before.
    plan = host.succeed("ctr plan /run/booted-system/specialisation/other/etc/ctr/containers.toml")
    assert "lab/changed" in plan and "1 restart" in plan, plan

    host.succeed("/run/booted-system/specialisation/other/bin/switch-to-configuration test >&2")
    host.succeed("ctr lab wait --timeout 5min")

    assert leader("untouched") == before["untouched"], "it was restarted and did not have to be"
    assert leader("changed") != before["changed"], "it has not the new environment"
    assert "COLOUR=blue" in host.succeed("ctr lab exec changed -- cat /proc/1/environ")
    assert daemon == host.succeed("systemctl show -P MainPID ctrd.service"), "ctrd was restarted for a declaration"
  '';
}
