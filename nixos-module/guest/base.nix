# A guest has a kernel, a network and names that ctrd gives it. What would manage these a second time is off.
#
# Only what has to be is forced: everything else a guest's configuration can say otherwise.
{ host, container }:

{
  lib,
  options,
  ...
}:

let
  # Nobody says otherwise, not even a module of NixOS.
  never = lib.mkForce false;

  # What a guest's configuration says of these is answered with a sentence (./refused.nix), which needs it to
  # be heard: stronger than what NixOS sets for containers by itself, weaker than a word of somebody's.
  off = lib.mkOverride 900 false;

  # Options that came or went with a release of NixOS.
  whereThereIs = path: value: lib.optionalAttrs (lib.hasAttrByPath path options) (lib.setAttrByPath path value);
in
{
  config = lib.mkMerge [
    # nixpkgs calls it `boot.isNspawnContainer` since 2026, and `isContainer` follows it.
    (
      if options.boot ? isNspawnContainer then
        { boot.isNspawnContainer = true; }
      else
        { boot.isContainer = true; }
    )

    (
      if container.ownNixpkgs then
        { nixpkgs.hostPlatform = lib.mkDefault host.pkgs.stdenv.hostPlatform; }
      else
        { nixpkgs.pkgs = lib.mkDefault host.pkgs; }
    )

    {
      networking = {
        hostName = lib.mkDefault container.machine;

        # The address, the route and the link are there before the guest's first instruction, and it may not
        # change them.
        useDHCP = never;
        useNetworkd = off;
        dhcpcd.enable = never;
        networkmanager.enable = off;
        interfaces = lib.mkOverride 900 { };
        defaultGateway = lib.mkOverride 900 null;

        # ctrd's own firewall is around every guest. One within would need rights over the network that a guest
        # has not.
        firewall.enable = off;
        nftables.enable = off;
        nat.enable = off;

        # ctrd mounts /etc/resolv.conf and /etc/hosts and keeps them up to date.
        useHostResolvConf = never;
        resolvconf.enable = never;
      };
      environment.etc.hosts.enable = never;
      environment.etc."resolv.conf".enable = never;
      services.resolved.enable = off;

      # The clock is the host's.
      services.timesyncd.enable = never;

      # A guest is entered from the host.
      services.openssh.startWhenNeeded = lib.mkDefault true;

      documentation.enable = lib.mkDefault false;
    }

    (lib.mkIf (container.stateVersion != null) {
      system.stateVersion = lib.mkDefault container.stateVersion;
    })

    # The devices are the host's: there is nothing in a guest that could find any.
    (whereThereIs [ "services" "udev" "enable" ] never)
  ];
}
