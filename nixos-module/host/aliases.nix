# The words of one's fingers, as shell aliases over `ctr`: what `ctr aliases` prints, for every shell of the host.
{ config, lib, ... }:

let
  cfg = config.kernelcore.containers;
  inherit (import ../lib) names;
  inherit (lib) concatMap mapAttrsToList;

  # One element for each container: { group, name, prefixes, actions }. What stands before a verb is the machine's name,
  # `ml-ollama`, or the group and a short name of the container, `dev-pg`.
  containers = lib.concatLists (
    mapAttrsToList (
      group: it:
      mapAttrsToList (name: container: {
        inherit group name;
        prefixes = [ (names.machine group name) ] ++ map (alias: "${group}-${alias}") (container.aliases or [ ]);
        actions = lib.attrNames (container.actions or { });
      }) it.containers
    ) cfg.declaration.groups
  );

  ofGroups = concatMap (
    group:
    map (verb: lib.nameValuePair "${group}-${verb}" "ctr ${group} ${verb}") [
      "status-all"
      "start-all"
      "stop-all"
    ]
  ) (lib.attrNames cfg.declaration.groups);

  ofContainers = concatMap (
    it:
    concatMap (
      prefix:
      map (verb: lib.nameValuePair "${prefix}-${verb}" "ctr ${it.group} ${verb} ${it.name}") [
        "enter"
        "status"
        "start"
        "stop"
      ]
    ) it.prefixes
  ) containers;

  # `ollama-list` needs no group where only one has an ollama.
  alone = it: lib.count (other: other.name == it.name) containers == 1;
  ofActions = concatMap (
    it:
    concatMap (
      action:
      map (prefix: lib.nameValuePair "${prefix}-${action}" "ctr ${it.group} run ${it.name} ${action}") (
        it.prefixes ++ lib.optional (alone it) it.name
      )
    ) it.actions
  ) containers;
in
{
  options.kernelcore.containers.migrateAliases = lib.mkOption {
    type = lib.types.bool;
    default = true;
    description = ''
      Whether shells have the aliases of the modules that this one replaces, `ml-ollama-enter`, `dev-pg-psql`,
      `ml-status-all` and so on, for every declared container. Whoever else defines an alias of the same name
      has it: `ollama-list` for one, where a module for Docker's Ollama has it too.
    '';
  };

  config = lib.mkIf (cfg.daemon.enable && cfg.migrateAliases) {
    # Weaker than anybody's, a default of another module too. Of two of ours with one name the first counts.
    environment.shellAliases = lib.mapAttrs (_: lib.mkOverride 1200) (
      lib.listToAttrs (ofGroups ++ ofContainers ++ ofActions)
    );
  };
}
