# Where a container's files come from.
{ lib, ... }:

let
  inherit (lib) mkOption types;
  absolute = types.strMatching "/.*";
in
{
  options = {
    config = mkOption {
      type = types.deferredModule;
      example = lib.literalExpression ''
        { pkgs, ... }:
        {
          services.nginx.enable = true;
          system.stateVersion = "25.05";
        }
      '';
      description = ''
        The guest as a NixOS configuration. A preset has one; what is said here is merged with it. What a guest
        cannot or must not do is turned off in it: firewall, network configuration, kernel, udev.
      '';
    };

    stateVersion = mkOption {
      type = types.nullOr (types.strMatching "[0-9]{2}\\.[0-9]{2}");
      default = null;
      example = "25.05";
      description = ''
        The guest's `system.stateVersion`: the NixOS release that it was first made with. It never changes
        with an upgrade. Needed here or in `config`.
      '';
    };

    ownNixpkgs = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether the guest evaluates nixpkgs anew, so that its `nixpkgs.config` and `nixpkgs.overlays` count. By
        default it shares the host's, with the host's settings (`allowUnfree`), which is much faster.
      '';
    };

    system = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = lib.literalExpression "inputs.web.nixosConfigurations.web.config.system.build.toplevel";
      description = "A NixOS system that was made elsewhere, in place of `config`.";
    };

    tree = mkOption {
      type = types.nullOr absolute;
      default = null;
      example = "/var/lib/machines/debian";
      description = ''
        The tree of any distribution, in place of `config`: a read-only base that many containers can share,
        each with a private layer on it.
      '';
    };

    directory = mkOption {
      type = types.nullOr absolute;
      default = null;
      example = "/var/lib/machines/web";
      description = "A tree of its own that is written in place, in place of `config`.";
    };

    ephemeral = mkOption {
      type = types.bool;
      default = false;
      description = "Whether its own state is dropped when it stops. What is in `binds` stays.";
    };
  };
}
