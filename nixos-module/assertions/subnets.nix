# The groups' subnets, and those of whoever else makes networks on this host.
{
  config,
  declared,
  lib,
  ...
}:

let
  inherit (import ../lib) address;
  inherit (declared) groups pairs;
  subnetOf = group: group.it.subnet;

  invalid = map (
    group:
    let
      text = subnetOf group;
      around = address.around text;
    in
    "${group.option}.subnet: "
    + (
      if around == null then
        "\"${text}\" is no IPv4 subnet. Write an address and a prefix, \"192.168.200.0/24\" for example."
      else if around != text then
        "\"${text}\" has bits behind its prefix. Write \"${around}\"."
      else
        "${text} is no network for guests. Write a private one with a prefix from /8 to /30, \"192.168.200.0/24\" for example."
    )
  ) (lib.filter (group: !address.isSubnet (subnetOf group)) groups);

  overlaps =
    map
      (
        { one, other }:
        "${one.option}.subnet and ${other.option}.subnet overlap: ${subnetOf one} and ${subnetOf other}. Give each group a subnet of its own."
      )
      (
        lib.filter ({ one, other }: address.overlap (subnetOf one) (subnetOf other)) (pairs groups)
      );

  # Somebody's subnet, and whose it is, in words.
  from = whose: subnet: { inherit whose subnet; };

  docker =
    let
      settings = config.virtualisation.docker.daemon.settings or { };
      pools = settings.default-address-pools or [ ];
    in
    if !(config.virtualisation.docker.enable or false) then
      [ ]
    else
      (
        if settings ? bip then
          [ (from "`virtualisation.docker.daemon.settings.bip`" settings.bip) ]
        else
          lib.optional (pools == [ ]) (
            from "Docker's first network (`virtualisation.docker.daemon.settings.bip` moves it)" "172.17.0.0/16"
          )
      )
      ++ map (pool: from "`virtualisation.docker.daemon.settings.default-address-pools`" pool.base) pools;

  podman = lib.optionals (config.virtualisation.podman.enable or false) (
    let
      subnets = config.virtualisation.podman.defaultNetwork.settings.subnets or [ ];
    in
    if subnets == [ ] then
      [
        (from "Podman's network (`virtualisation.podman.defaultNetwork.settings.subnets` moves it)" "10.88.0.0/16")
      ]
    else
      map (it: from "`virtualisation.podman.defaultNetwork.settings.subnets`" it.subnet) subnets
  );

  k3s =
    let
      flags = lib.concatStringsSep " " (lib.toList (config.services.k3s.extraFlags or [ ]));
      cidr =
        flag: default:
        let
          said = builtins.match ".*--${flag}[ =]([0-9./]+).*" flags;
        in
        from "k3s (`--${flag}` in `services.k3s.extraFlags` moves it)" (if said == null then default else lib.head said);
    in
    lib.optionals (config.services.k3s.enable or false) [
      (cidr "cluster-cidr" "10.42.0.0/16")
      (cidr "service-cidr" "10.43.0.0/16")
    ];

  nixosContainers = lib.concatLists (
    lib.mapAttrsToList (
      name: it:
      map (side: from "`${lib.showOption [ "containers" name side ]}`" it.${side}) (
        lib.filter (side: (it.${side} or null) != null) [ "localAddress" "hostAddress" ]
      )
    ) (config.containers or { })
  );

  interfaces = lib.concatLists (
    lib.mapAttrsToList (
      name: it:
      map (
        own:
        from "`${lib.showOption [ "networking" "interfaces" name "ipv4" "addresses" ]}`" "${own.address}/${toString own.prefixLength}"
      ) (it.ipv4.addresses or [ ])
    ) (config.networking.interfaces or { })
  );

  foreign = lib.concatMap (
    other:
    map
      (
        group:
        "${group.option}.subnet: ${subnetOf group} overlaps with ${other.subnet}, ${other.whose}. Choose another subnet: the containers keep their places in it."
      )
      (
        lib.filter (
          group: address.around other.subnet != null && address.overlap (subnetOf group) (address.around other.subnet)
        ) groups
      )
  ) (docker ++ podman ++ k3s ++ nixosContainers ++ interfaces);
in
invalid ++ overlaps ++ lib.unique foreign
