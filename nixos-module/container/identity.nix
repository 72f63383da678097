# Who a container is: its names, its address, whether it is there at all.
{
  config,
  lib,
  name,
  group,
  preset,
  ...
}:

let
  inherit (import ../lib) address names;
  inherit (lib) mkOption types;
in
{
  options = {
    enable = mkOption {
      type = types.bool;
      default = !preset;
      defaultText = lib.literalMD "`false` for a preset, `true` for others";
      example = true;
      description = ''
        Whether this container is declared. One that is not costs nothing: its system is not even evaluated.
      '';
    };

    description = mkOption {
      type = types.singleLineStr;
      default = "";
      example = "LLM inference";
      description = "What it is for, in one line.";
    };

    aliases = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "pg" ];
      description = "Other names that it answers to within its group: `ctr dev enter pg`.";
    };

    machine = mkOption {
      type = types.str;
      readOnly = true;
      default = names.machine group.name name;
      defaultText = lib.literalMD "`<group>-<name>`, or `<name>` where that begins with `<group>-`";
      description = "Its name as a machine of the host, for `machinectl` and `journalctl -M`.";
    };

    offset = mkOption {
      type = types.nullOr types.ints.positive;
      default = null;
      example = 21;
      description = ''
        Its place in the group's subnet: 21 in 192.168.200.0/24 is 192.168.200.21. Left out, the place follows
        from the name alone, so that containers that come and go move no other. Set it where two happen to
        have the same place.
      '';
    };

    address = mkOption {
      type = types.nullOr types.str;
      default = address.at group.subnet (if config.offset != null then config.offset else names.place name);
      defaultText = lib.literalMD "the group's subnet and `offset`";
      example = "192.168.200.21";
      description = "Its address.";
    };

    autoStart = mkOption {
      type = types.bool;
      default = true;
      description = "Whether it is started with the host.";
    };

    missing = mkOption {
      type = types.nullOr (
        types.submodule {
          options = {
            what = mkOption {
              type = types.singleLineStr;
              example = "no model";
              description = "What is missing, in a few words: `ctr status` says `waiting` and these.";
            };
            hint = mkOption {
              type = types.nullOr types.singleLineStr;
              default = null;
              example = "set kernelcore.containers.ml.vllm.model";
              description = "What to do about it.";
            };
          };
        }
      );
      default = null;
      description = ''
        What this container lacks in order to start, in words for people. It is declared and waits, and starts
        when this is `null` again.
      '';
    };
  };
}
