# The guest that runs PostgreSQL.
{
  port,
  database,
  user,
  extensions,
}:

{
  config,
  lib,
  options,
  pkgs,
  ...
}:

let
  cfg = config.services.postgresql;
  option = options.services.postgresql;

  # With its extensions, where the release has a name for that.
  package = cfg.finalPackage or cfg.package;

  script = name: pkgs.writeShellScript name (builtins.readFile (./scripts + "/${name}.sh"));

  # `port` moved into the settings in 2023.
  setPort =
    if option.settings.type.getSubOptions [ ] ? port then { settings.port = port; } else { inherit port; };

  extension =
    packages: name:
    packages.${name} or (throw "the PostgreSQL of this nixpkgs has no extension `${name}`: see postgresqlPackages");
  setExtensions =
    if extensions == [ ] then
      { }
    else if option ? extensions then
      { extensions = packages: map (extension packages) extensions; }
    else
      { extraPlugins = map (extension cfg.package.pkgs) extensions; };
in
{
  services.postgresql = lib.mkMerge [
    {
      enable = true;
      # Stronger than NixOS's own default, which follows `system.stateVersion`.
      package = lib.mkOverride 900 (pkgs.postgresql_16 or pkgs.postgresql);

      # The same for every version: what is bound here is looked at before anything is made of it.
      dataDir = "/var/lib/postgresql/data";

      enableTCPIP = lib.mkDefault true;
      settings.password_encryption = lib.mkDefault "scram-sha-256";
      # Before NixOS's own lines, of which the one for the socket stays: there the user of the system counts.
      authentication = ''
        host all all 0.0.0.0/0 scram-sha-256
        host all all ::/0 scram-sha-256
      '';
    }
    setPort
    setExtensions
  ];

  # A unit of its own, so that a directory that is refused is looked at once: a server that cannot start is
  # started again and again by its own unit.
  systemd.services.postgresql-prepare = {
    description = "Look at PostgreSQL's data directory";
    before = [ "postgresql.service" ];
    requiredBy = [ "postgresql.service" ];
    unitConfig.RequiresMountsFor = cfg.dataDir;
    path = [ package ];
    environment = {
      PGDATA = cfg.dataDir;
      POSTGRES_MAJOR = cfg.package.psqlSchema;
      # Among the guest's own files, where a missing disk takes nothing away.
      POSTGRES_SEEN = "/var/lib/postgresql-prepare/seen";
    };
    # The file is how NixOS remembers that `initialScript` is to be run.
    script = ''
      new=$(test -e "$PGDATA/PG_VERSION" || echo new)
      ${script "postgres-prepare"} ${lib.escapeShellArgs cfg.initdbArgs}
      test -z "$new" || touch "$PGDATA/.first_startup"
    '';
    serviceConfig = {
      Type = "oneshot";
      User = "postgres";
      Group = "postgres";
      StateDirectory = "postgresql-prepare";
    };
  };

  systemd.services.postgresql-password = {
    description = "Give PostgreSQL's user the database and the password";
    wantedBy = [ "multi-user.target" ];
    requires = [ "postgresql.service" ];
    # The second makes what `ensureUsers` and `ensureDatabases` name, where it is a unit of its own.
    after = [
      "postgresql.service"
      "postgresql-setup.service"
    ];
    path = [ package ];
    environment = {
      PGPORT = toString port;
      POSTGRES_DATABASE = database;
      POSTGRES_USER = user;
    };
    serviceConfig = {
      Type = "oneshot";
      RemainAfterExit = true;
      User = "postgres";
      Group = "postgres";
      LoadCredential = "password";
      ExecStart = script "postgres-password";
    };
  };
}
