# What needs no nixpkgs: `nix-instantiate --eval` reads these files alone.
let
  address = import ./address.nix;
  commands = import ./commands.nix;
  names = import ./names.nix;
  toml = import ./toml.nix;
in
{
  inherit
    address
    commands
    names
    toml
    ;

  # A submodule's values as a table of the declaration: keys in kebab-case, and without what says nothing.
  table =
    values:
    toml.compact (
      builtins.listToAttrs (
        map (name: {
          name = names.key name;
          value = values.${name};
        }) (builtins.filter (name: name != "_module") (builtins.attrNames values))
      )
    );
}
