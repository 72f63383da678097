# What stands for NixOS in ../guest.nix: the options that guests of presets set. Where a name decides, because it
# came or went with a release, it is listed; the rest takes anything.
{ release }:

{ lib, ... }:

let
  inherit (lib) mkOption types;

  since = version: names: lib.optionals (release == "unstable" || lib.versionAtLeast release version) names;
  until = version: names: lib.optionals (release != "unstable" && lib.versionOlder release version) names;

  services = import ./services.nix { inherit since until; };

  value = mkOption { type = types.anything; };
  anything = mkOption {
    type = types.submodule { freeformType = types.attrsOf types.anything; };
    default = { };
  };
  off = mkOption {
    type = types.bool;
    default = false;
  };
  names = list: lib.genAttrs list (name: if name == "enable" then off else value);

  # As mkRemovedOptionModule leaves it: it is there, and nobody may set it.
  removed = mkOption {
    visible = false;
    apply = _: throw "this option is removed";
  };

  unit = types.submodule {
    freeformType = types.attrsOf types.anything;
    options = {
      enable = mkOption {
        type = types.bool;
        default = true;
      };
      script = mkOption {
        type = types.lines;
        default = "";
      };
      preStart = mkOption {
        type = types.lines;
        default = "";
      };
      path = mkOption {
        type = types.listOf types.unspecified;
        default = [ ];
      };
      environment = mkOption {
        type = types.attrsOf types.unspecified;
        default = { };
      };
      serviceConfig = mkOption {
        type = types.attrsOf types.unspecified;
        default = { };
      };
    };
  };
in
{
  options = {
    assertions = mkOption {
      type = types.listOf types.unspecified;
      default = [ ];
    };
    warnings = mkOption {
      type = types.listOf types.str;
      default = [ ];
    };

    boot = names (
      [
        "isContainer"
        "tmp"
      ]
      ++ since "26.05" [ "isNspawnContainer" ]
    )
    // {
      kernel.sysctl = anything;
    };
    documentation = anything;
    environment = {
      etc = anything;
      sessionVariables = anything;
      variables = anything;
      systemPackages = mkOption {
        type = types.listOf types.unspecified;
        default = [ ];
      };
    };
    hardware = lib.genAttrs (since "24.11" [ "graphics" ] ++ until "24.11" [ "opengl" ]) (_: anything);
    networking = anything;
    nixpkgs = anything;
    programs = anything;
    security = anything;
    system = names [ "stateVersion" ] // {
      activationScripts = anything;
    };

    systemd = {
      services = mkOption {
        type = types.attrsOf unit;
        default = { };
      };
      sockets = anything;
      timers = anything;
      targets = anything;
      tmpfiles.rules = mkOption {
        type = types.listOf types.str;
        default = [ ];
      };
      tmpfiles.settings = anything;
    };

    users = {
      users = mkOption {
        type = types.attrsOf (
          types.submodule {
            freeformType = types.attrsOf types.anything;
            options.extraGroups = mkOption {
              type = types.listOf types.str;
              default = [ ];
            };
          }
        );
        default = { };
      };
      groups = anything;
    };

    services = {
      openssh = anything;
      resolved = anything;
      timesyncd = anything;
      udev = names [ "enable" ];
    }
    // lib.mapAttrs (_: names) (lib.filterAttrs (_: it: it != [ ]) services)
    // {
      ollama = names services.ollama // lib.genAttrs (since "26.05" [ "acceleration" ]) (_: removed);
    };
  };
}
