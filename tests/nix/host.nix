# A host to evaluate the module on: as much of NixOS as the module looks at, without a single package.
#
# What the module sets and NixOS alone reads back is taken as it is. What is read back here, and what several
# modules say together, is declared with the types that it has there.
{ lib, ... }:

let
  inherit (lib) mkOption types;

  # Everything that is not declared is taken, whatever it is.
  open =
    options:
    types.submodule {
      freeformType = types.attrsOf types.anything;
      inherit options;
    };
  namespace =
    options:
    mkOption {
      type = open options;
      default = { };
    };
  list = type: mkOption {
    type = types.listOf type;
    default = [ ];
  };
  lines = mkOption {
    type = types.lines;
    default = "";
  };
  off = mkOption {
    type = types.bool;
    default = false;
  };
  each = options: mkOption {
    type = types.attrsOf (open options);
    default = { };
  };
in
{
  options = {
    assertions = list types.unspecified;
    warnings = list types.str;

    boot = namespace {
      kernelModules = list types.str;
      kernel.sysctl = mkOption {
        type = types.attrsOf types.anything;
        default = { };
      };
    };
    containers = each { };
    environment = namespace {
      systemPackages = list types.anything;
      shellAliases = mkOption {
        type = types.attrsOf types.str;
        default = { };
      };
      etc = each { };
    };
    hardware = namespace { };
    networking = namespace {
      firewall = namespace {
        allowedTCPPorts = list types.port;
        allowedUDPPorts = list types.port;
        trustedInterfaces = list types.str;
        extraCommands = lines;
        extraForwardRules = lines;
        extraInputRules = lines;
        filterForward = off;
      };
      interfaces = each { };
      nat = namespace { internalInterfaces = list types.str; };
      nftables.enable = off;
    };
    nixpkgs = namespace { };
    programs = namespace { };
    security = namespace { };
    services = namespace {
      dbus = namespace { packages = list types.anything; };
      xserver = namespace { videoDrivers = list types.str; };
      udev = namespace { extraRules = lines; };
    };
    # Hosts declare options of their own in there.
    system = {
      checks = list types.anything;
      stateVersion = mkOption { type = types.str; };
    };
    systemd = namespace {
      packages = list types.anything;
      services = each {
        after = list types.str;
        wantedBy = list types.str;
        requires = list types.str;
        wants = list types.str;
      };
    };
    users = namespace { users = each { }; };
    virtualisation = namespace { docker = namespace { enable = off; }; };
  };
}
