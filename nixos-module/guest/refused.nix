# What a guest's configuration has to say, and what it cannot have.
{ option }:

{
  config,
  lib,
  options,
  ...
}:

let
  gateway = "the address, the route and the name servers are there before the guest starts: remove it";

  # An option, what it has to be, and what to write instead.
  refused = [
    {
      path = [ "networking" "firewall" "enable" ];
      instead = "ctrd's firewall is around every guest, and lets declared `ports` in: remove it";
    }
    {
      path = [ "networking" "nftables" "enable" ];
      instead = "ctrd's firewall is around every guest: remove it";
    }
    {
      path = [ "networking" "nat" "enable" ];
      instead = "the host masquerades for its guests: remove it";
    }
    {
      path = [ "networking" "networkmanager" "enable" ];
      instead = gateway;
    }
    {
      path = [ "networking" "useNetworkd" ];
      instead = gateway;
    }
    {
      path = [ "services" "resolved" "enable" ];
      instead = "ctrd keeps the guest's /etc/resolv.conf: write `kernelcore.containers.nameservers`";
    }
    {
      path = [ "networking" "defaultGateway" ];
      instead = gateway;
    }
    {
      path = [ "networking" "interfaces" ];
      instead = gateway;
    }
  ];

  nothing = value: value == false || value == null || value == { };
in
{
  config.assertions = [
    {
      # 1500 is the priority of an option's own default.
      assertion = options.system.stateVersion.highestPrio < 1500;
      message = ''
        ${option}: the guest has no `system.stateVersion`. Write `stateVersion = "${lib.trivial.release or "25.05"}";` beside
        `config`: the release of NixOS that it is first made with. It does not change later.
      '';
    }
  ]
  ++ map (it: {
    assertion = nothing (lib.attrByPath it.path null config);
    message = "${option}: a guest cannot have `${lib.showOption it.path}`; ${it.instead}.";
  }) refused;
}
