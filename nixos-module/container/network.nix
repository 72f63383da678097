# What a container serves.
{ lib, ... }:

let
  inherit (lib) mkOption types;
in
{
  options.ports = mkOption {
    type = types.attrsOf (
      types.submodule {
        options = {
          port = mkOption {
            type = types.port;
            example = 8080;
            description = "The port in the guest.";
          };
          protocol = mkOption {
            type = types.enum [ "tcp" "udp" ];
            default = "tcp";
            description = "Its protocol.";
          };
          url = mkOption {
            type = types.nullOr types.str;
            default = null;
            example = "http";
            description = "The scheme of its address for people, for `ctr … url` and `ctr … open`.";
          };
          token = mkOption {
            type = types.nullOr types.str;
            default = null;
            example = "token";
            description = "The credential whose text `ctr … url` puts into the address, as `?token=…`.";
          };
          publish = mkOption {
            type = types.nullOr (
              types.submodule {
                options = {
                  hostPort = mkOption {
                    type = types.port;
                    example = 18080;
                    description = "The port of the host.";
                  };
                  address = mkOption {
                    type = types.nullOr types.str;
                    default = null;
                    example = "127.0.0.1";
                    description = "The host's address that it is offered on; every one where none is named.";
                  };
                };
              }
            );
            default = null;
            example = { hostPort = 18080; address = "127.0.0.1"; };
            description = ''
              Offer it on the host. The host itself and the container's group reach every port without it, and
              other groups by `reach`. No port of the host's firewall has to be opened for it.
            '';
          };
        };
      }
    );
    default = { };
    example = { web = { port = 8080; url = "http"; }; };
    description = "The ports that it serves, by names of your own. Other groups reach only these.";
  };
}
