# What works, and is likely not what was meant.
{
  config,
  lib,
  ...
}:

let
  cfg = config.kernelcore.containers;
  declared = import ./assertions/declared.nix { inherit config lib; };
  inherit (declared) containers;

  # A port of the firewall leads nowhere: ctrd's own rules let in what is published, and nothing has to be opened.
  opened = lib.concatMap (
    it:
    lib.concatLists (
      lib.mapAttrsToList (
        name: port:
        let
          protocol = if port.protocol == "tcp" then "allowedTCPPorts" else "allowedUDPPorts";
        in
        lib.optional (
          port.publish != null && lib.elem port.publish.hostPort (config.networking.firewall.${protocol} or [ ])
        ) "${it.option}.${lib.showOption [ "ports" name ]}: `networking.firewall.${protocol}` has ${toString port.publish.hostPort}, where this is published. Nothing has to be opened for it; and if a service of the host is meant, it is not reached there."
      ) it.it.ports
    )
  ) containers;

  # Only where it hardly works without.
  slow = map (it: "${it.option} computes on the processor: no driver of a graphics processor is known. Write `kernelcore.containers.gpuVendor`.") (
    lib.filter (
      it: it.preset && it.it.missing == null && cfg.gpuVendor == null && it.it.gpu == null && lib.elem it.name [ "comfyui" "vllm" ]
    ) containers
  );
  # Settings for the unit that nixos-container(5) had for a container of this name.
  units = map (
    it:
    "`${
      lib.showOption [ "systemd" "services" "container@${it.it.machine}" ]
    }` is the unit of nothing: ${it.option} is no container of NixOS. Write `${it.option}.limits` and `.restart` in its place."
  ) (
    lib.filter (
      it:
      config.systemd.services ? "container@${it.it.machine}" && !((config.containers or { }) ? ${it.it.machine})
    ) containers
  );
in
{
  config.warnings = opened ++ slow ++ units;
}
