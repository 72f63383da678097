# Options that a container of nixos-container(5) has and one of ours has not. Each is answered with what to
# write instead, rather than with "does not exist": they come with what people paste.
{ lib, options, ... }:

let
  inherit (lib) mkOption types;

  words = {
    bindMounts = "Write `binds.\"<path in the guest>\" = { hostPath = …; readOnly = …; }`";
    allowedDevices = "Did you mean `gpu = { vendor = \"nvidia\"; }`? Nodes of graphics processors come with it";
    privateNetwork = "Remove it: every container has a network of its own";
    hostAddress = "Remove it: the group's `subnet` and `hostOffset` say it";
    localAddress = "Write `address`, or leave it to the group's `subnet`";
    hostBridge = "Remove it: the group has a bridge, `br-<group>`";
    forwardPorts = "Write `ports.<name> = { port = …; publish.hostPort = …; }`";
    privateUsers = "Remove it: every container has users of its own; `users = \"host\"` says otherwise";
    additionalCapabilities = "Write `capabilities`";
    tmpfs = "Remove it: the guest mounts its own; `ephemeral = true` drops all state at a stop";
    enableTun = "Remove it: there is no tun device in a guest yet";
    extraFlags = "Remove it: what systemd-nspawn is started with is ctrd's own matter";
    timeoutStartSec = "Write `startTimeout`";
    restartIfChanged = "Remove it: ctrd restarts a container only for what it cannot follow while it runs";
  };

  gpu = "Did you mean `gpu = { vendor = \"nvidia\"; }`? Nodes, libraries and driver files come with it";

  isDevice = path: lib.hasPrefix "/dev/" path;

  answer =
    word: value:
    if word == "bindMounts" && builtins.isAttrs value && lib.any isDevice (lib.attrNames value) then gpu else words.${word};
in
{
  options =
    lib.mapAttrs (
      _: answer:
      mkOption {
        type = types.raw;
        visible = false;
        description = "No option of ours. ${answer}.";
      }
    ) words
    // {
      oldWords = mkOption {
        type = types.listOf types.str;
        internal = true;
        readOnly = true;
        description = "What is said of the options above that are set.";
      };
    };

  config.oldWords = map (
    word: "`${lib.showOption options.${word}.loc}` is an option of nixos-container. ${answer word options.${word}.value}."
  ) (lib.filter (word: options.${word}.isDefined) (lib.attrNames words));
}
