# With the host, containers start by themselves, and one that is `after` another waits until that one answers.
{ pkgs }:

let
  web = import ./lib/web.nix;
in
pkgs.testers.runNixOSTest {
  name = "starts-in-the-order-of-after";

  nodes.host = {
    imports = [ ./lib/host.nix ];
    kernelcore.containers.groups.lab = {
      # Its unit is active long before it answers.
      first = web { text = "first"; } // {
        config.imports = [
          (web { text = "first"; }).config
          { systemd.services.web.serviceConfig.ExecStartPre = "${pkgs.coreutils}/bin/sleep 10"; }
        ];
      };
      second = web { text = "second"; } // {
        after = [ "lab/first" ];
      };
    };
  };

  testScript = ''
    def moment(container, what):
        return int(host.succeed(f"systemctl show -P {what}Monotonic ctr-lab-{container}.service"))

    host.wait_for_unit("ctrd.service")
    host.succeed("ctr lab wait --timeout 5min")
    host.succeed("ctr lab status first", "ctr lab status second")

    begun = moment("second", "InactiveExitTimestamp")
    up = moment("first", "ActiveEnterTimestamp")
    assert begun - up > 8_000_000, f"the second began {begun - up} microseconds after the first unit was active"
  '';
}
