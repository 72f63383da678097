# JupyterLab with compilers and tools, on a directory of a person.
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
  vendor = import ./vendor.nix { inherit config host; };
in
{
  options = {
    port = mkOption {
      type = types.port;
      default = 8889;
      description = "JupyterLab's port.";
    };

    workspacePath = mkOption {
      type = types.str;
      default = home.directory "dev/workspace" "/var/lib/dev-ml/workspace";
      defaultText = lib.literalMD ''
        `dev/workspace` in `system.user.homeDir` or in the home of the user `kernelcore`, where there is such;
        else `/var/lib/dev-ml/workspace`
      '';
      example = "/home/alice/src";
      description = ''
        The directory of the host that is worked in, at the same path in the guest. It is made where it is missing.
        In a person's home, what is written there belongs to that person.
      '';
    };
  };

  config = {
    description = mkDefault "JupyterLab with compilers and tools";
    aliases = mkDefault [ "ml" ];
    offset = mkDefault 11;
    stateVersion = mkDefault "25.05";

    ports.http = {
      port = mkDefault config.port;
      url = mkDefault "http";
      token = mkDefault "token";
    };
    credentials.token = mkDefault { generate = true; };

    binds.${config.workspacePath} = {
      hostPath = mkDefault config.workspacePath;
      create = mkDefault true;
      data = mkDefault true;
      owner = mkDefault (toString uids.jupyter);
      hostOwner = mkDefault (home.personOf config.workspacePath);
    };

    health.http = {
      port = mkDefault config.port;
      path = mkDefault "/api";
    };
    startTimeout = mkDefault "3min";

    # Compilers run in it.
    limits = {
      memoryMax = mkDefault "8G";
      tasksMax = mkDefault 4096;
    };

    config = import ./guests/jupyterlab.nix {
      inherit (config) port;
      notebooks = config.workspacePath;
      inherit vendor;
      extraPackages = python: [
        python.pip
        python.virtualenv
      ];
      programs = import ./guests/tools.nix;
    };
  };
}
