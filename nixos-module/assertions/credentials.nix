# A secret comes from one place, and never from the Nix store.
{ declared, lib, ... }:

let
  one =
    it: name: value:
    let
      option = "${it.option}.${lib.showOption [ "credentials" name ]}";
      path = if builtins.isAttrs value then value.path else value;
      text = toString path;
    in
    if path == null then
      lib.optional (!value.generate)
        "${option}: write the path of a file of the host, \"/run/secrets/${name}\" for example, or `generate = true`."
    else if builtins.isPath path then
      [ "${option}: ${text} without quotes would be copied to the Nix store, where everybody can read it. Write \"${text}\"." ]
    else
      lib.optional (lib.hasPrefix "${builtins.storeDir}/" text)
        "${option}: ${text} is in the Nix store, where everybody can read it. Write the path of a file that is made on the host, as sops-nix and agenix do."
      ++ lib.optional (builtins.isAttrs value && value.generate)
        "${option}: `path` and `generate` are set, and a secret has one of them. Remove one.";

  # Shown as part of an address, so it has to be one of the container's.
  tokens =
    it:
    lib.concatLists (
      lib.mapAttrsToList (
        name: port:
        lib.optional (port.token != null && !(it.it.credentials ? ${port.token}))
          "${it.option}.${lib.showOption [ "ports" name "token" ]}: there is no credential `${port.token}`. Write `${it.option}.${lib.showOption [ "credentials" port.token ]}`."
      ) it.it.ports
    );
in
lib.concatMap (it: lib.concatLists (lib.mapAttrsToList (one it) it.it.credentials) ++ tokens it) declared.containers
