# Guests reach what is outside and the host's declared ports through each kind of NixOS's own firewall, the one that
# drops what is forwarded among them, and the LAN reaches what is published.
{ pkgs }:

let
  inherit (pkgs) lib;
  web = import ./lib/web.nix;

  host = firewall: {
    imports = [
      ./lib/host.nix
      firewall
    ];
    kernelcore.containers.groups.lab = {
      hostPorts = [ 9100 ];
      one = lib.recursiveUpdate (web { text = "one"; }) { ports.web.publish.hostPort = 18080; };
    };
    systemd.services.host-9100 = {
      wantedBy = [ "multi-user.target" ];
      serviceConfig.ExecStart = "${pkgs.busybox}/bin/httpd -f -p 9100 -h ${pkgs.writeTextDir "index.html" "host"}";
    };
  };
in
pkgs.testers.runNixOSTest {
  name = "passes-the-firewalls-of-nixos";

  nodes = {
    iptables = host { networking.firewall.enable = true; };
    nftables = host {
      networking.nftables.enable = true;
      networking.firewall.filterForward = true;
    };
    outside = {
      networking.firewall.allowedTCPPorts = [ 80 ];
      systemd.services.web = {
        wantedBy = [ "multi-user.target" ];
        serviceConfig.ExecStart = "${pkgs.busybox}/bin/httpd -f -p 80 -h ${pkgs.writeTextDir "index.html" "outside"}";
      };
      environment.systemPackages = [ pkgs.curl ];
    };
  };

  testScript = ''
    get = "${pkgs.curl}/bin/curl --silent --fail --max-time 5"

    start_all()
    outside.wait_for_unit("web.service")
    address = outside.succeed("ip -4 -json addr show dev eth1 | ${pkgs.jq}/bin/jq -r '.[0].addr_info[0].local'").strip()

    for host in [iptables, nftables]:
        host.wait_for_unit("ctrd.service")
        host.succeed("ctr lab wait --timeout 5min")
        assert host.succeed(f"ctr lab exec one -- {get} http://{address}/") == "outside"
        assert host.succeed(f"ctr lab exec one -- {get} http://host.lab:9100/") == "host"
        assert outside.succeed(f"{get} http://{host.name}:18080/") == "one"
        assert "problem:" not in host.succeed("ctr status")
  '';
}
