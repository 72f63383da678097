# What NixOS's own network and firewall have to know of ctrd, so that neither stands in the way of what
# is declared and neither takes the interfaces of ctrd for its own.
#
# A module of its own, for a host that runs ctrd in whatever way:
#
#   imports = [ ./tenants.nix ];
#   kernelcore.containers.tenants = { enable = true; bridges = [ "br-ml" "br-dev" ]; };
#
# All interfaces of ctrd are in one link group. What comes from one or goes to one passes NixOS's chains
# here; ctrd's own tables, which every packet has to pass as well, decide what guests may reach and who
# may reach them.
{ config, lib, pkgs, ... }:

let
  cfg = config.kernelcore.containers.tenants;
  firewall = config.networking.firewall;
  nftables = config.networking.nftables.enable;

  group = "0x637472";
  interfaces = [ "cv-*" "ctr-*" ] ++ cfg.bridges;
  fromGuests = "iifgroup ${group} accept\n";
  toGuests = "oifgroup ${group} accept\n";
  dockerRule = verb: side:
    "${pkgs.iptables}/bin/iptables --wait --${verb} DOCKER-USER --match devgroup --${side}-group ${group} --jump ACCEPT";
in
{
  options.kernelcore.containers.tenants = {
    enable = lib.mkEnableOption "living beside this host's firewall, Docker and network managers";

    bridges = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
      example = [ "br-ml" "br-dev" ];
      description = ''
        The bridges of the declared groups, `br-<group>`, for network managers that know interfaces by
        name alone.
      '';
    };
  };

  config = lib.mkIf cfg.enable {
    # Their rulesets are there before guests start. (A ruleset that is loaded later is no harm: ctrd
    # makes its tables again when somebody flushes them.)
    systemd.services.ctrd.after = [
      "network-pre.target"
      "firewall.service"
      "nftables.service"
    ];

    networking.firewall = {
      # The groups' `host-ports`.
      extraInputRules = lib.mkIf nftables fromGuests;
      extraForwardRules =
        lib.mkIf (nftables && firewall.filterForward) (fromGuests + toGuests);
      extraCommands = lib.mkIf (!nftables) ''
        iptables -A nixos-fw -m devgroup --src-group ${group} -j nixos-fw-accept
      '';
    };

    # Known by their link group, whatever they are called.
    services.udev.extraRules = builtins.readFile ../dist/udev/70-ctr-network.rules;
    networking.networkmanager.unmanaged = map (name: "interface-name:${name}") interfaces;
    networking.dhcpcd.denyInterfaces = interfaces;
    systemd.network.networks."10-ctr" = {
      matchConfig.Name = lib.concatStringsSep " " interfaces;
      linkConfig.Unmanaged = true;
    };

    systemd.services.ctr-docker = lib.mkIf config.virtualisation.docker.enable {
      description = "Docker's firewall lets through what ctrd's lets through";
      after = [ "docker.service" ];
      partOf = [ "docker.service" ];
      wantedBy = [ "docker.service" ];
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = [
          "-${dockerRule "delete" "src"}"
          "-${dockerRule "delete" "dst"}"
          (dockerRule "insert" "src")
          (dockerRule "insert" "dst")
        ];
        ExecStop = [
          "-${dockerRule "delete" "src"}"
          "-${dockerRule "delete" "dst"}"
        ];
      };
    };
  };
}
