# `kernelcore.containers`: the groups, and what comes of them.
#
# It is an ordinary set of options, so that other modules can declare options beside these
# (`kernelcore.containers.docker.enable`).
{
  config,
  options,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;
  cfg = config.kernelcore.containers;
  toml = (import ./lib).toml;

  host = { inherit config options pkgs; };
  presets = import ./presets;
  group = presets: import ./group.nix { inherit lib host presets; };
in
{
  options.kernelcore.containers = {
    ml = mkOption {
      type = group presets.ml;
      default = { };
      description = "Containers for machine learning: five services, and any further container by its name.";
    };

    dev = mkOption {
      type = group presets.dev;
      default = { };
      description = "Containers for development: five services, and any further container by its name.";
    };

    groups = mkOption {
      type = types.attrsOf (group { });
      default = { };
      example = lib.literalExpression ''
        {
          lab = {
            enable = true;
            subnet = "10.77.3.0/24";
            web.config = { services.nginx.enable = true; system.stateVersion = "25.05"; };
          };
        }
      '';
      description = "Further groups by their names. Every name in a group that is no option of it is a container.";
    };

    allGroups = mkOption {
      type = types.attrsOf types.unspecified;
      internal = true;
      readOnly = true;
      default = lib.filterAttrs (_: it: it.enable) (cfg.groups // { inherit (cfg) ml dev; });
      defaultText = lib.literalMD "all groups that are enabled";
      description = "The groups that are enabled, by name.";
    };

    gpuVendor = mkOption {
      type = types.nullOr (types.enum [ "nvidia" "amd" "intel" ]);
      default =
        let
          drivers = config.services.xserver.videoDrivers or [ ];
        in
        if lib.any (lib.hasPrefix "nvidia") drivers then
          "nvidia"
        else if lib.elem "amdgpu" drivers || config.hardware.amdgpu.initrd.enable or false then
          "amd"
        else
          null;
      defaultText = lib.literalMD "`nvidia` or `amd` where `services.xserver.videoDrivers` has its driver, else none";
      example = "nvidia";
      description = ''
        Whose graphics processors the presets use, and which build of their packages. `null`: they compute on the
        processor.
      '';
    };

    nameservers = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "1.1.1.1" ];
      description = "The name servers that guests use; those that the host asks where none is named.";
    };

    metrics = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "127.0.0.1:9950";
      description = "Where metrics are served for Prometheus: a unix socket, or an address of the loopback.";
    };

    loadGpuModules = mkOption {
      type = types.bool;
      default = true;
      description = "Whether `nvidia-uvm` is loaded where a container needs it and the driver is there.";
    };

    evalContainer = mkOption {
      type = types.functionTo types.path;
      internal = true;
      default = import ./guest/evaluate.nix { inherit pkgs; };
      defaultText = lib.literalMD "NixOS's own `eval-config.nix`";
      description = "From `{ name, modules }` to the store path of a system: the one place that needs packages.";
    };

    declaration = mkOption {
      type = types.attrs;
      readOnly = true;
      description = "The declaration as attributes, for `nix eval` and tests.";
    };

    declarationText = mkOption {
      type = types.str;
      readOnly = true;
      description = "The declaration as it stands in `/etc/ctr/containers.toml`.";
    };
  };

  config.kernelcore.containers = {
    # What the kits have by themselves; all of it can be said otherwise.
    ml = {
      description = lib.mkDefault "Machine learning";
      subnet = lib.mkDefault "192.168.200.0/24";
    };
    dev = {
      description = lib.mkDefault "Development";
      subnet = lib.mkDefault "192.168.210.0/24";
    };

    declaration = {
      schema = 1;
      groups = lib.mapAttrs (_: it: it.declared) cfg.allGroups;
    }
    // lib.optionalAttrs (cfg.nameservers != [ ]) { inherit (cfg) nameservers; }
    // lib.optionalAttrs (cfg.metrics != null) { inherit (cfg) metrics; }
    // lib.optionalAttrs (!cfg.loadGpuModules) { load-gpu-modules = false; };

    declarationText = ''
      # Written by the NixOS option kernelcore.containers: change it there.
    ''
    + toml.write cfg.declaration;
  };
}
