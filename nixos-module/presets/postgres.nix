# PostgreSQL, with its data on the host and a password that is nobody's guess.
{ config, lib, ... }:

let
  inherit (lib) mkDefault mkOption types;
  uids = import ../lib/users.nix;
  port = "--port=${toString config.port}";
in
{
  options = {
    port = mkOption {
      type = types.port;
      default = 5432;
      description = "The port that it listens on.";
    };

    dataPath = mkOption {
      type = types.str;
      default = "/var/lib/postgres-dev";
      example = "/srv/postgres";
      description = ''
        The directory of the host that holds the database. It is made where it is missing. A new database is made
        only in an empty directory; one that has another version's database, or files that are no database, is
        left as it is, and the server does not start.
      '';
    };

    database = mkOption {
      type = types.strMatching "[^/\n]+";
      default = "devdb";
      description = "The database that is there after the first start. It belongs to `user`.";
    };

    user = mkOption {
      type = types.strMatching "[^/\n]+";
      default = "devuser";
      description = "The user that is there after the first start, with the password.";
    };

    passwordFile = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "/run/secrets/postgres";
      description = ''
        The file of the host that holds the password of `user`. Where none is named, one is made at random, and
        `sudo ctr dev secret postgres password` prints it. What the file says is set at every start.
      '';
    };

    extensions = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "pgvector" ];
      description = ''
        Packages of extensions, by their names in `postgresqlPackages` of nixpkgs. `CREATE EXTENSION` is left to
        the database's owner.
      '';
    };
  };

  config = {
    description = mkDefault "PostgreSQL";
    aliases = mkDefault [ "pg" ];
    offset = mkDefault 15;
    stateVersion = mkDefault "25.05";
    ports.postgresql.port = mkDefault config.port;

    binds."/var/lib/postgresql/data" = {
      hostPath = mkDefault config.dataPath;
      owner = mkDefault (toString uids.postgres);
      create = mkDefault true;
      data = mkDefault true;
    };

    credentials.password = mkDefault (
      if config.passwordFile == null then { generate = true; } else config.passwordFile
    );

    # Not only that the server answers: whoever is `after` this one finds the database, its user and the password.
    health = {
      command = mkDefault [
        "sh"
        "-c"
        "systemctl is-active --quiet postgresql-password.service && exec psql \"$@\""
        "psql"
        "--no-psqlrc"
        "--quiet"
        port
        "--dbname=${config.database}"
        "--command=SELECT 1"
      ];
      user = mkDefault "postgres";
      timeout = mkDefault "5s";
    };
    startTimeout = mkDefault "5min";

    limits = {
      memoryMax = mkDefault "2G";
      tasksMax = mkDefault 512;
    };

    actions = {
      psql = {
        command = mkDefault [ "psql" port ];
        user = mkDefault "postgres";
        terminal = mkDefault true;
      };
      dump = {
        command = mkDefault [ "pg_dump" port config.database ];
        user = mkDefault "postgres";
      };
    };

    config = import ./guests/postgres.nix {
      inherit (config)
        database
        extensions
        port
        user
        ;
    };
  };
}
