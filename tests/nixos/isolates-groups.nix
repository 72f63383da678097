# Groups reach of each other what `reach` says, and the host only on `hostPorts`.
{ pkgs }:

let
  web = import ./lib/web.nix;
in
pkgs.testers.runNixOSTest {
  name = "isolates-groups";

  nodes.host = {
    imports = [ ./lib/host.nix ];
    kernelcore.containers.groups = {
      lab = {
        reach = [ "data/open" ];
        hostPorts = [ 9100 ];
        one = web { text = "one"; };
      };
      data = {
        enable = true;
        subnet = "10.77.4.0/24";
        open = web { text = "open"; };
        closed = web { text = "closed"; };
      };
    };

    systemd.services = pkgs.lib.genAttrs [ "host-9100" "host-9200" ] (name: {
      wantedBy = [ "multi-user.target" ];
      serviceConfig.ExecStart = "${pkgs.busybox}/bin/httpd -f -p ${pkgs.lib.removePrefix "host-" name} -h ${pkgs.writeTextDir "index.html" "host"}";
    });
  };

  testScript = ''
    def get(group, container, address):
        curl = "${pkgs.curl}/bin/curl --silent --fail --max-time 3"
        return f"ctr {group} exec {container} -- {curl} http://{address}/"

    host.wait_for_unit("ctrd.service")
    host.succeed("ctr lab wait --timeout 5min", "ctr data wait --timeout 5min")

    assert host.succeed(get("lab", "one", "open.data:8080")) == "open"
    host.fail(get("lab", "one", "closed.data:8080"))
    host.fail(get("data", "open", "one.lab:8080"))
    assert host.succeed(get("data", "open", "closed:8080")) == "closed"

    assert host.succeed(get("lab", "one", "host.lab:9100")) == "host"
    host.fail(get("lab", "one", "host.lab:9200"))
    host.fail(get("data", "open", "host.data:9100"))
  '';
}
