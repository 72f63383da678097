# The guest that runs code-server.
{
  port,
  workspacePath,
  hashedPassword,
}:

{
  config,
  lib,
  options,
  pkgs,
  ...
}:

let
  uids = import ../../lib/users.nix;
  cfg = config.services.code-server;

  # Options that came with a release of NixOS.
  known = lib.filterAttrs (name: _: options.services.code-server ? ${name});
in
{
  services.code-server = {
    enable = true;
    host = lib.mkDefault "0.0.0.0";
    inherit port;
    auth = lib.mkDefault "password";
    hashedPassword = lib.mkIf (hashedPassword != null) hashedPassword;
    # The folder that a window without another one opens.
    extraArguments = lib.mkDefault [ workspacePath ];
  }
  // known {
    disableTelemetry = lib.mkDefault true;
    # The version is nixpkgs'.
    disableUpdateCheck = lib.mkDefault true;
  };

  # A number, because the workspace names its owner by one.
  users.users.code-server.uid = uids.code-server;
  users.groups.code-server.gid = uids.code-server;

  environment.systemPackages = import ./tools.nix pkgs ++ [
    (pkgs.python3.withPackages (python: [
      python.pip
      python.virtualenv
    ]))
  ];

  systemd.services.code-server = {
    # Extensions and terminals find what is installed in the guest.
    path = [ "/run/current-system/sw" ];
  }
  // lib.optionalAttrs (hashedPassword == null) {
    environment.CODE_SERVER_CONFIG = "/run/${cfg.user}/config.yaml";
    serviceConfig = {
      LoadCredential = "password";
      ExecStartPre = [
        (pkgs.writeShellScript "code-server-password" (builtins.readFile ./scripts/code-server-password.sh))
      ];
    };
  };
}
