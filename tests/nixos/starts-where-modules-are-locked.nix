# On a host that loads no module of the kernel after its boot, everything that guests take is loaded by then.
{ pkgs }:

let
  web = import ./lib/web.nix;
in
pkgs.testers.runNixOSTest {
  name = "starts-where-modules-are-locked";

  nodes.host = {
    imports = [ ./lib/host.nix ];
    security.lockKernelModules = true;
    kernelcore.containers.groups.lab = {
      one = pkgs.lib.recursiveUpdate (web { text = "one"; }) {
        ports.web.publish.hostPort = 18080;
      };
      # Later than the lock, so that nothing is loaded that an earlier start has loaded.
      two = web { text = "two"; } // {
        autoStart = false;
      };
    };
  };

  testScript = ''
    host.wait_for_unit("ctrd.service")
    host.wait_for_unit("disable-kernel-module-loading.service")
    host.succeed("ctr lab wait one --timeout 5min")
    host.succeed("ctr lab start two --timeout 5min")
    host.succeed("curl --silent --fail http://127.0.0.1:18080/")
  '';
}
