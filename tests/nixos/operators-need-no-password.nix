# Everybody may look. An operator may do what root may, a stranger nothing, and a rule of the host comes first.
{ pkgs }:

let
  web = import ./lib/web.nix;
in
pkgs.testers.runNixOSTest {
  name = "operators-need-no-password";

  nodes.host = {
    imports = [ ./lib/host.nix ];
    kernelcore.containers = {
      groups.lab.one = web { text = "one"; };
      daemon.operators = [ "ann" "eve" ];
    };
    users.users = pkgs.lib.genAttrs [ "ann" "bob" "eve" ] (_: { isNormalUser = true; });
    security.polkit.extraConfig = ''
      polkit.addRule(function (action, subject) {
          if (action.id === "org.kernelcore.Containers1.enter" && subject.user === "eve") {
              return polkit.Result.NO;
          }
      });
    '';
  };

  testScript = ''
    def as_user(user, command):
        return f"su - {user} -c '{command} </dev/null'"

    host.wait_for_unit("ctrd.service")
    host.succeed("ctr lab wait --timeout 5min")

    for user in ["ann", "bob", "eve"]:
        host.succeed(as_user(user, "ctr lab status one"))

    host.succeed(as_user("ann", "ctr lab restart one --timeout 5min"))
    host.succeed(as_user("ann", "ctr lab exec one -- true"))

    said = host.fail(as_user("bob", "ctr lab stop one") + " 2>&1")
    assert "org.kernelcore.Containers1.start-stop" in said, said
    host.fail(as_user("bob", "ctr lab exec one -- true"))

    host.succeed(as_user("eve", "ctr lab restart one --timeout 5min"))
    host.fail(as_user("eve", "ctr lab exec one -- true"))
  '';
}
