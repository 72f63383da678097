# The host and the containers of a group reach each other by address, and containers each other by name.
{ pkgs }:

let
  web = import ./lib/web.nix;
in
pkgs.testers.runNixOSTest {
  name = "guests-have-addresses-and-names";

  nodes.host = {
    imports = [ ./lib/host.nix ];
    kernelcore.containers.groups.lab = {
      one = web { text = "one"; } // {
        offset = 11;
        aliases = [ "uno" ];
      };
      two = web { text = "two"; } // {
        offset = 12;
      };
    };
  };

  testScript = ''
    host.wait_for_unit("ctrd.service")
    host.succeed("ctr lab wait --timeout 5min")

    assert host.succeed("curl --silent --fail http://10.77.3.11:8080/") == "one"
    assert host.succeed("curl --silent --fail $(ctr lab url two)") == "two"

    for name in ["one", "uno", "one.lab", "10.77.3.11"]:
        said = host.succeed(f"ctr lab exec two -- ${pkgs.curl}/bin/curl --silent --fail http://{name}:8080/")
        assert said == "one", f"{name} said {said}"

    # Nothing in the guest tried to set up what is there already.
    host.succeed("ctr lab exec one -- systemctl is-system-running --wait")
  '';
}
