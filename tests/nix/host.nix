# A host to evaluate the module on: as much of NixOS as the module looks at, without a single package.
#
# What NixOS itself declares and the module only sets is taken as it is (`anything`). What is read back, and
# where a type matters, is declared like there.
{ lib, ... }:

let
  anything = lib.mkOption {
    type = lib.types.submodule { freeformType = with lib.types; attrsOf anything; };
    default = { };
  };
in
{
  options = {
    assertions = lib.mkOption {
      type = lib.types.listOf lib.types.unspecified;
      default = [ ];
    };
    warnings = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
    };
    boot = anything;
    environment = anything;
    hardware = anything;
    networking = anything;
    nixpkgs = anything;
    programs = anything;
    security = anything;
    services = anything;
    system = anything;
    systemd = anything;
    users = anything;
    virtualisation = anything;
    containers = anything;
  };

  config = {
    # What NixOS says by itself, where the module reads it.
    networking.firewall = {
      filterForward = lib.mkDefault false;
      allowedTCPPorts = [ ];
    };
    networking.nftables.enable = lib.mkDefault false;
    virtualisation.docker.enable = lib.mkDefault false;
    services.xserver.videoDrivers = lib.mkDefault [ ];
  };
}
