{ evaluate }:

let
  run =
    { release ? "25.11", postgres ? { } }:
    let
      it = evaluate {
        inherit release;
        configuration = {
          kernelcore.containers.dev.enable = true;
          kernelcore.containers.dev.postgres = postgres // { enable = true; };
        };
      };
    in
    {
      host = it.containers.dev.postgres;
      inherit (it.host) declared;
      guest = it.guest "dev" "postgres";
    };
  guestOf = release: (run { inherit release; }).guest;

  plain = run { };
  own = run {
    postgres = {
      port = 5433;
      database = "shop";
      user = "ann";
      dataPath = "/srv/pg";
      passwordFile = "/run/secrets/pg";
      extensions = [ "pgvector" ];
      config.services.postgresql.initdbArgs = [ "--locale=de_DE.UTF-8" "--no-sync" ];
    };
  };
  old = guestOf "22.11";
  newer = guestOf "24.05";

  has = text: script: builtins.length (builtins.split text script) > 1;
  units = it: it.guest.systemd.services;
in
[
  {
    says = "PostgreSQL is where it always was";
    ok = plain.host.address == "192.168.210.15" && plain.host.ports.postgresql.port == 5432 && plain.host.aliases == [ "pg" ];
  }
  {
    says = "its data is really in the directory of the host, as the guest's user 71";
    ok =
      let
        bind = own.host.binds.${own.guest.services.postgresql.dataDir};
      in
      bind.hostPath == "/srv/pg" && bind.owner == "71" && bind.create && bind.data && own.guest.users.users.postgres.uid == 71;
  }
  {
    says = "the directory is the same whichever version, and the version is the one of the old modules";
    ok =
      plain.guest.services.postgresql.dataDir == "/var/lib/postgresql/data"
      && plain.guest.services.postgresql.package.psqlSchema == "16";
  }
  {
    says = "the directory is looked at before the server starts, by a unit that it needs";
    ok =
      let
        unit = (units own).postgresql-prepare;
      in
      unit.before == [ "postgresql.service" ]
      && unit.requiredBy == [ "postgresql.service" ]
      && unit.environment.PGDATA == "/var/lib/postgresql/data"
      && unit.environment.POSTGRES_MAJOR == "16"
      && has "postgres-prepare '?--locale=de_DE.UTF-8'? '?--no-sync'?" unit.script
      && unit.serviceConfig.User == "postgres";
  }
  {
    says = "what remembers that there was a database is outside of the directory";
    ok = (units plain).postgresql-prepare.environment.POSTGRES_SEEN == "/var/lib/postgresql-prepare/seen"
      && (units plain).postgresql-prepare.serviceConfig.StateDirectory == "postgresql-prepare";
  }
  {
    says = "the password is a credential, and is in no environment";
    ok =
      let
        unit = (units own).postgresql-password;
      in
      own.host.credentials.password == "/run/secrets/pg"
      && plain.host.credentials.password.generate
      && unit.serviceConfig.LoadCredential == "password"
      && unit.environment == {
        PGPORT = "5433";
        POSTGRES_DATABASE = "shop";
        POSTGRES_USER = "ann";
      };
  }
  {
    says = "over the network everybody gives the password; NixOS's line for the socket comes after";
    ok =
      has "host all all 0.0.0.0/0 scram-sha-256\n.*local all all peer" plain.guest.services.postgresql.authentication
      && !(has "trust" plain.guest.services.postgresql.authentication);
  }
  {
    says = "the port goes where the release has it";
    ok =
      own.guest.services.postgresql.settings.port == 5433
      && newer.services.postgresql.settings.port == 5432
      && old.services.postgresql.port == 5432
      && !(old.services.postgresql.settings ? port);
  }
  {
    says = "extensions are named, and found in the server's own set";
    ok = map toString (own.guest.services.postgresql.extensions { pgvector = "/nix/store/x"; }) == [ "/nix/store/x" ];
  }
  {
    says = "an extension that there is none of is said by its name";
    ok = !(builtins.tryEval (builtins.deepSeq (own.guest.services.postgresql.extensions { }) true)).success;
  }
  {
    says = "ready means that the database of the declaration answers";
    ok =
      builtins.elem "--dbname=shop" own.host.health.command
      && builtins.elem "--port=5433" own.host.health.command
      && own.host.health.user == "postgres";
  }
  {
    says = "the user of the database is no user of a command";
    ok = !(own.host.declared ? user);
  }
]
