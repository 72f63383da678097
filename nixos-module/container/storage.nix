# What a container sees of the host's files, and what it is given.
{ lib, ... }:

let
  inherit (lib) mkOption types;
  orNull = type: what: mkOption {
    type = types.nullOr type;
    default = null;
    inherit (what) description example;
  };
  flag = description: mkOption {
    type = types.bool;
    default = false;
    inherit description;
  };
in
{
  options = {
    binds = mkOption {
      type = types.attrsOf (
        types.submodule {
          options = {
            hostPath = mkOption {
              type = types.strMatching "/.*";
              example = "/srv/models";
              description = "The directory or file of the host.";
            };
            readOnly = flag "Whether the guest cannot write to it.";
            create = flag "Whether the directory is made on the host where it is missing.";
            data = flag "Whether it holds data that a person would miss.";
            owner = orNull types.str {
              example = "71";
              description = ''
                The user of the guest that its files belong to; root where none is named. By number in a NixOS
                guest: it has no names yet when its binds are made.
              '';
            };
            hostOwner = orNull types.str {
              example = "alice";
              description = "The user of the host that its files belong to; whoever owns it where none is named.";
            };
          };
        }
      );
      default = { };
      example = { "/srv/www" = { hostPath = "/home/alice/www"; readOnly = true; }; };
      description = "Directories and files of the host that it sees, by the path in the guest.";
    };

    files = mkOption {
      type = types.attrsOf (
        types.submodule {
          options = {
            text = mkOption {
              type = types.str;
              description = "What is in it. No secrets: everybody can read the declaration.";
            };
            mode = mkOption {
              type = types.strMatching "0?[0-7]{3}";
              default = "0644";
              description = "Its permissions, in octal digits.";
            };
          };
        }
      );
      default = { };
      example = { "/etc/motd".text = "hello\n"; };
      description = "Small read-only files that are put into it, by the path in the guest.";
    };

    credentials = mkOption {
      type = types.attrsOf (
        # A path without quotes is taken here so that it is refused with words (../assertions/credentials.nix).
        types.either types.path (
          types.addCheck (types.submodule {
            options = {
              path = orNull types.path {
                example = "/run/secrets/password";
                description = "The file of the host that holds it.";
              };
              generate = flag "Whether ctrd makes it once, at random, and keeps it.";
            };
          }) builtins.isAttrs
        )
      );
      default = { };
      example = { token.generate = true; password = "/run/secrets/password"; };
      description = ''
        Secrets that it is given, by the names that the guest has for them: a path of the host, or one that is
        made. A unit of the guest reads it with `LoadCredential=`. A path is a text: `./password` would copy the
        secret to the Nix store, where everybody can read it.
      '';
    };
  };
}
