# A group of containers: a bridge with a subnet.
#
#   import ./group.nix { inherit host lib; presets = import ./presets/ml.nix; }
#
# is the type of one. Its presets are options of their own; every further name is a container, too.
{
  lib,
  host,
  presets ? { },
}:

let
  inherit (import ./lib) address;
  inherit (lib) mkOption types;

  container =
    group: preset: modules:
    types.submoduleWith {
      # An option of a container is called `config`: what is written there is no module of its own.
      shorthandOnlyDefinesConfig = true;
      specialArgs = {
        inherit group host preset;
      };
      modules = [ ./container ] ++ modules;
    };
in
types.submodule (
  {
    name,
    config,
    options,
    ...
  }:
  let
    group = {
      inherit name;
      inherit (config) subnet;
    };
  in
  {
    freeformType = types.attrsOf (container group false [ ]);

    options = {
      enable = lib.mkEnableOption "this group of containers";

      description = mkOption {
        type = types.singleLineStr;
        default = "";
        example = "Machine learning";
        description = "What it is for, in one line.";
      };

      subnet = mkOption {
        type = types.str;
        example = "10.77.3.0/24";
        description = ''
          Its network, from /8 to /30. Containers move with it: each keeps its place. It overlaps with no other
          network of the host.
        '';
      };

      hostOffset = mkOption {
        type = types.ints.positive;
        default = 10;
        description = "The host's place in the subnet: the guests' gateway.";
      };

      reach = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "dev" "ml/ollama" ];
        description = ''
          Other groups, or containers of theirs, whose declared ports its guests may connect to. Nothing else of
          other groups is reached.
        '';
      };

      hostPorts = mkOption {
        type = types.listOf types.port;
        default = [ ];
        example = [ 53 ];
        description = "The ports of the host that its guests may use, TCP and UDP. None of the others is.";
      };

      hostAddress = mkOption {
        type = types.nullOr types.str;
        readOnly = true;
        default = address.at config.subnet config.hostOffset;
        defaultText = lib.literalMD "the subnet and `hostOffset`";
        description = "The host's address in it.";
      };

      containers = mkOption {
        type = types.attrsOf types.unspecified;
        internal = true;
        readOnly = true;
        description = "Its containers by name, presets and others, enabled or not.";
      };

      declared = mkOption {
        type = types.attrs;
        internal = true;
        readOnly = true;
        description = "Its table in the declaration.";
      };
    }
    // lib.mapAttrs (
      preset: it:
      mkOption {
        type = container group true [ it.module ];
        default = { };
        description = it.description;
      }
    ) presets;

    config =
      let
        enabled = lib.filterAttrs (_: it: it.enable) config.containers;
        own = lib.subtractLists (lib.attrNames presets) (lib.attrNames options);
      in
      {
        containers = removeAttrs config own;

        declared = {
          inherit (config) subnet;
          containers = lib.mapAttrs (_: it: it.declared) enabled;
        }
        # A subnet that is none is refused, and the host has no address in it.
        // lib.optionalAttrs (config.hostAddress != null) { host-address = config.hostAddress; }
        // lib.optionalAttrs (config.description != "") { inherit (config) description; }
        // lib.optionalAttrs (config.reach != [ ]) { inherit (config) reach; }
        // lib.optionalAttrs (config.hostPorts != [ ]) { host-ports = config.hostPorts; };
      };
  }
)
