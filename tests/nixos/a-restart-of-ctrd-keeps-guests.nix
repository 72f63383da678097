# ctrd can be stopped, killed and restarted: guests are units of their own.
{ pkgs }:

let
  web = import ./lib/web.nix;
in
pkgs.testers.runNixOSTest {
  name = "a-restart-of-ctrd-keeps-guests";

  nodes.host = {
    imports = [ ./lib/host.nix ];
    kernelcore.containers.groups.lab.one = web { text = "one"; } // {
      offset = 11;
    };
  };

  testScript = ''
    def leader():
        return host.succeed("machinectl show lab-one --property=Leader --value")

    host.wait_for_unit("ctrd.service")
    host.succeed("ctr lab wait --timeout 5min")
    before = leader()

    host.succeed("systemctl restart ctrd.service", "ctr lab wait --timeout 1min")
    assert leader() == before

    host.succeed("systemctl kill --signal=KILL ctrd.service")
    host.wait_until_succeeds("ctr lab wait --timeout 1min", timeout=60)
    assert leader() == before

    host.succeed("systemctl stop ctrd.service")
    host.succeed("curl --silent --fail http://10.77.3.11:8080/")
    host.succeed("systemctl start ctrd.service", "ctr lab wait --timeout 1min")
    assert leader() == before
  '';
}
