# A published port leads from the LAN and from the host's loopback to the guest. Nothing else of it is reached from the
# LAN, and no port of the host's firewall was opened.
{ pkgs }:

let
  web = import ./lib/web.nix;
in
pkgs.testers.runNixOSTest {
  name = "publishes-a-port";

  nodes = {
    host = {
      imports = [ ./lib/host.nix ];
      kernelcore.containers.groups.lab.one = pkgs.lib.recursiveUpdate (web { text = "one"; }) {
        offset = 11;
        ports.web.publish.hostPort = 18080;
      };
    };

    lan = {
      environment.systemPackages = [ pkgs.curl ];
    };
  };

  testScript = ''
    get = "curl --silent --fail --max-time 5"

    start_all()
    host.wait_for_unit("ctrd.service")
    host.succeed("ctr lab wait --timeout 5min")
    lan.wait_for_unit("network.target")

    assert host.succeed(f"{get} http://127.0.0.1:18080/") == "one"
    assert lan.succeed(f"{get} http://host:18080/") == "one"

    lan.succeed("ip route add 10.77.3.0/24 via $(getent hosts host | cut -d' ' -f1)")
    lan.fail(f"{get} http://10.77.3.11:8080/")
  '';
}
