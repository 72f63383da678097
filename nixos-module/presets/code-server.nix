# Visual Studio Code in the browser, on a directory of a person.
{
  config,
  host,
  lib,
  ...
}:

let
  inherit (lib) mkDefault mkOption types;
  home = import ../lib/home.nix { inherit host lib; };
  uids = import ../lib/users.nix;
  hashed = config.hashedPassword != null && config.hashedPassword != "";
in
{
  options = {
    port = mkOption {
      type = types.port;
      default = 8443;
      description = "The port that it listens on, for HTTP.";
    };

    workspacePath = mkOption {
      type = types.str;
      default = home.directory "dev" "/var/lib/dev-code-server/workspace";
      defaultText = lib.literalMD ''
        `dev` in `system.user.homeDir` or in the home of the user `kernelcore`, where there is such; else
        `/var/lib/dev-code-server/workspace`
      '';
      example = "/home/alice/src";
      description = ''
        The directory of the host that is worked in, at the same path in the guest. It is made where it is missing.
        In a person's home, what is written there belongs to that person: whoever may use code-server can do with
        these files what that person can.
      '';
    };

    hashedPassword = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "$argon2i$v=19$m=4096,t=3,p=1$…";
      description = ''
        The password's hash by argon2. It stands in the Nix store, where everybody on the host can read it. Left
        out, a password is made at random, which is in no store: `sudo ctr dev secret code-server password` prints
        it. `credentials.password = "/run/secrets/…"` gives one of your own in the same way.
      '';
    };
  };

  config = {
    description = mkDefault "Visual Studio Code in the browser";
    aliases = mkDefault [ "code" ];
    offset = mkDefault 13;
    stateVersion = mkDefault "25.05";

    ports.http = {
      port = mkDefault config.port;
      url = mkDefault "http";
    };

    binds.${config.workspacePath} = {
      hostPath = mkDefault config.workspacePath;
      owner = mkDefault (toString uids.code-server);
      hostOwner = mkDefault (home.personOf config.workspacePath);
      create = mkDefault true;
      data = mkDefault true;
    };

    credentials = lib.mkIf (!hashed) { password = mkDefault { generate = true; }; };

    health.http = {
      port = mkDefault config.port;
      path = mkDefault "/healthz";
    };
    startTimeout = mkDefault "3min";

    # Compilers run in it.
    limits = {
      memoryMax = mkDefault "6G";
      tasksMax = mkDefault 4096;
    };

    config = import ./guests/code-server.nix {
      inherit (config) port workspacePath;
      hashedPassword = if hashed then config.hashedPassword else null;
    };
  };
}
