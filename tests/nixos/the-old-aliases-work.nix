# The words of the modules before this one are aliases over `ctr`, and whoever else defines one has it.
{ pkgs }:

let
  web = import ./lib/web.nix;
in
pkgs.testers.runNixOSTest {
  name = "the-old-aliases-work";

  nodes.host = {
    imports = [ ./lib/host.nix ];
    kernelcore.containers.ml = {
      enable = true;
      tiny = web { text = "tiny"; } // {
        aliases = [ "small" ];
        actions.list.command = [
          "echo"
          "listed"
        ];
      };
    };
    environment.shellAliases.ml-small-list = "echo taken";
  };

  testScript = ''
    def typed(words):
        return host.succeed(f"bash -ic '{words}' 2>/dev/null </dev/null")

    host.wait_for_unit("ctrd.service")
    host.succeed("ctr ml wait --timeout 5min")

    assert "tiny" in typed("ml-status-all")
    assert "ml/tiny" in typed("ml-tiny-status")
    typed("ml-small-stop")
    typed("ml-tiny-start")
    assert "listed" in typed("tiny-list")
    assert "listed" in typed("ml-tiny-list")
    assert "taken" in typed("ml-small-list")
  '';
}
