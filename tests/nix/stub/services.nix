# The options of NixOS's services that presets set, by their names in nixpkgs (nixos/modules/services).
#
# `since "25.11" [ … ]` are those that came with a release, `until "26.05" [ … ]` those that went.
{ since, until }:

{
  comfyui = since "26.05" [
    "enable"
    "extraArgs"
    "listen"
    "package"
    "port"
  ];

  ollama = [
    "enable"
    "environmentVariables"
    "group"
    "host"
    "models"
    "package"
    "port"
    "user"
  ]
  ++ until "26.05" [ "acceleration" ];
}
