{ evaluate }:

let
  run =
    { release ? "25.11", code ? { }, home ? true }:
    let
      it = evaluate {
        inherit release;
        configuration = {
          users.users = if home then { kernelcore.isNormalUser = true; } else { };
          kernelcore.containers.dev.enable = true;
          kernelcore.containers.dev.code-server = code // { enable = true; };
        };
      };
    in
    {
      host = it.containers.dev.code-server;
      guest = it.guest "dev" "code-server";
    };

  plain = run { };
  nobodys = run { home = false; };
  hashed = run { code.hashedPassword = "$argon2i$v=19$m=4096,t=3,p=1$salt$hash"; };
  empty = run { code.hashedPassword = ""; };
  old = run { release = "22.11"; };

  unit = it: it.guest.systemd.services.code-server;
  generates = it: it.host.credentials.password.generate && (unit it).serviceConfig.LoadCredential == "password";
in
[
  {
    says = "code-server is where it always was";
    ok = plain.host.address == "192.168.210.13" && plain.host.ports.http.port == 8443 && plain.host.aliases == [ "code" ];
  }
  {
    says = "it never lets everybody in: without a hash there is a password, made at random";
    ok =
      generates plain
      && generates empty
      && plain.guest.services.code-server.auth == "password"
      && plain.guest.services.code-server.hashedPassword == "";
  }
  {
    says = "the password goes into a file in memory that code-server reads";
    ok =
      (unit plain).environment.CODE_SERVER_CONFIG == "/run/code-server/config.yaml"
      && (unit plain).serviceConfig.RuntimeDirectory == "code-server"
      && map (it: it.name) (unit plain).serviceConfig.ExecStartPre == [ "code-server-password" ];
  }
  {
    says = "a hash is handed on as it was written, and nothing is made";
    ok =
      hashed.host.credentials == { }
      && (unit hashed).environment == { HASHED_PASSWORD = "$argon2i$v=19$m=4096,t=3,p=1$salt$hash"; }
      && !((unit hashed).serviceConfig ? LoadCredential);
  }
  {
    says = "the workspace is at the host's path, belongs to the person there, and to code-server's number here";
    ok =
      let
        bind = plain.host.binds."/home/kernelcore/dev";
      in
      bind.hostPath == "/home/kernelcore/dev"
      && bind.hostOwner == "kernelcore"
      && bind.owner == toString plain.guest.users.users.code-server.uid
      && plain.guest.users.groups.code-server.gid == plain.guest.users.users.code-server.uid
      && plain.guest.services.code-server.extraArguments == [ "/home/kernelcore/dev" ];
  }
  {
    says = "without that person it is a directory of nobody's";
    ok =
      let
        bind = nobodys.host.binds."/var/lib/dev-code-server/workspace";
      in
      bind.create && bind.hostOwner == null;
  }
  {
    says = "an old release is given no option that it has not";
    ok = old.guest.services.code-server.host == "0.0.0.0" && !(old.guest.services.code-server ? disableUpdateCheck);
  }
]
