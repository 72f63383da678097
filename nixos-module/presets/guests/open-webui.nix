# The guest that runs Open WebUI.
{
  ollamaUrl,
  port,
}:

{
  config,
  lib,
  pkgs,
  ...
}:

let
  uids = import ../../lib/users.nix;
  cfg = config.services.open-webui;
  environmentFile = "/run/open-webui/environment";

  isFree = cfg.package.meta.license.free or true;
  accepted =
    (pkgs.config.allowUnfree or false)
    || lib.elem (lib.getName cfg.package) (pkgs.config.allowUnfreePackages or [ ])
    || (pkgs.config.allowUnfreePredicate or (_: false)) cfg.package;
in
{
  assertions = [
    {
      assertion = isFree || accepted;
      message = ''
        kernelcore.containers.dev.chat-ui: Open WebUI is unfree in nixpkgs. Allow it in the host's configuration,
        nixpkgs.config.allowUnfreePredicate = it: lib.elem (lib.getName it) [ "open-webui" ];
        or choose the free one, kernelcore.containers.dev.chat-ui.backend = "nextjs-ollama-llm-ui".
      '';
    }
  ];

  services.open-webui = {
    enable = true;
    host = lib.mkDefault "0.0.0.0";
    inherit port;
    environment = lib.mapAttrs (_: lib.mkDefault) (
      {
        # As NixOS has them by itself, where nothing else is set.
        SCARF_NO_ANALYTICS = "True";
        DO_NOT_TRACK = "True";
        ANONYMIZED_TELEMETRY = "False";
      }
      // (
        if ollamaUrl == null then { ENABLE_OLLAMA_API = "False"; } else { OLLAMA_BASE_URL = ollamaUrl; }
      )
    );
  };

  # A user with a number of its own. NixOS would take one that is free at each start, and move the state
  # directory away from where the host's directory is bound.
  users.users.open-webui = {
    isSystemUser = true;
    uid = uids.open-webui;
    group = "open-webui";
    home = cfg.stateDir;
  };
  users.groups.open-webui.gid = uids.open-webui;

  # It takes the key that signs its sessions from the environment alone. systemd reads the file before each
  # command of the unit, and shows nobody what is in it.
  systemd.services.open-webui = {
    environment.SECRET_ENVIRONMENT = environmentFile;
    serviceConfig = {
      DynamicUser = lib.mkForce false;
      User = "open-webui";
      Group = "open-webui";
      LoadCredential = "secret-key";
      ExecStartPre = [
        (pkgs.writeShellScript "open-webui-secret" (builtins.readFile ./scripts/open-webui-secret.sh))
      ];
      EnvironmentFile = [ "-${environmentFile}" ];
    };
  };
}
