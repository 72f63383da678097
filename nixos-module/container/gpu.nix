# Graphics processors that a container is given.
{ host, lib, ... }:

let
  inherit (lib) mkOption types;
in
{
  options.gpu = mkOption {
    type = types.nullOr (
      types.submodule (gpu: {
        options = {
          vendor = mkOption {
            type = types.nullOr (types.enum [ "nvidia" "amd" "intel" "any" ]);
            default = if gpu.config.cdi == [ ] then host.config.kernelcore.containers.gpuVendor else null;
            defaultText = lib.literalMD "`kernelcore.containers.gpuVendor`, where `cdi` names none";
            example = "nvidia";
            description = ''
              Whose they are. Nodes, libraries and driver files come with it; nothing has to be bound by hand.
            '';
          };
          devices = mkOption {
            type = types.either (types.enum [ "all" ]) (types.listOf (types.either types.ints.unsigned types.str));
            default = "all";
            example = [ 0 "0000:01:00.0" ];
            description = "Which of the vendor's: by place in `ctr gpu`, by UUID, or by PCI address.";
          };
          cdi = mkOption {
            type = types.listOf types.str;
            default = [ ];
            example = [ "nvidia.com/gpu=all" ];
            description = "Which, as specifications of the Container Device Interface name them, in place of `vendor`.";
          };
          optional = mkOption {
            type = types.bool;
            default = false;
            description = "Whether it starts without them, and is given them when they come.";
          };
        };
      })
    );
    default = null;
    example = { vendor = "nvidia"; };
    description = ''
      Graphics processors that it is given: exactly one of `vendor` and `cdi`. It waits for those that are not
      there yet, and starts by itself.
    '';
  };
}
