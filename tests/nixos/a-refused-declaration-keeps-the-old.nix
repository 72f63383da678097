# A declaration that is refused on the host changes nothing, and is refused aloud.
{ pkgs }:

let
  web = import ./lib/web.nix;
in
pkgs.testers.runNixOSTest {
  name = "a-refused-declaration-keeps-the-old";

  nodes.host = {
    imports = [ ./lib/host.nix ];
    kernelcore.containers.groups.lab.one = web { text = "one"; };
  };

  testScript = ''
    host.wait_for_unit("ctrd.service")
    host.succeed("ctr lab wait --timeout 5min")
    leader = host.succeed("machinectl show lab-one --property=Leader --value")

    host.succeed("rm /etc/ctr/containers.toml", "echo 'schema = 1\nsubnet = 7' > /etc/ctr/containers.toml")
    host.fail("systemctl reload ctrd.service")
    host.fail("ctr apply")
    assert leader == host.succeed("machinectl show lab-one --property=Leader --value")

    # Over a restart of the daemon too: it has kept the last one that it accepted.
    host.succeed("systemctl restart ctrd.service", "ctr lab wait --timeout 1min")
    assert leader == host.succeed("machinectl show lab-one --property=Leader --value")

    # The next switch puts the file in its place again.
    host.succeed("rm /etc/ctr/containers.toml", "ln -s /etc/static/ctr/containers.toml /etc/ctr/containers.toml")
    host.succeed("systemctl reload ctrd.service")
  '';
}
