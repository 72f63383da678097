# The guest of the preset `ollama`.
{
  port,
  models,
  vendor,
  package,
  llamaCpp,
}:

{
  lib,
  options,
  pkgs,
  ...
}:

let
  build =
    {
      nvidia = pkgs.ollama-cuda;
      amd = pkgs.ollama-rocm;
      # Since NixOS 25.11.
      intel = pkgs.ollama-vulkan or pkgs.ollama;
    }
    .${toString vendor} or pkgs.ollama;

  # NixOS up to 25.11 builds the package anew by this word, whichever package it is given, and without the word
  # for the processor alone. Later it is an option that was removed, which is one that is not shown.
  byWord =
    options.services.ollama ? acceleration && options.services.ollama.acceleration.visible or true;
  knows = word: options.services.ollama.acceleration.type.check word;
  word =
    {
      nvidia = "cuda";
      amd = "rocm";
      intel = if pkgs ? ollama-vulkan && knows "vulkan" then "vulkan" else null;
    }
    .${toString vendor} or null;

  llama = import ./llama-cpp.nix { inherit pkgs vendor; };
in
{
  imports = [
    (import ./user.nix {
      name = "ollama";
      home = "/var/lib/ollama";
      inherit vendor;
    })
  ];

  config = lib.mkMerge [
    {
      services.ollama = {
        enable = true;
        package = lib.mkDefault (if package != null then package else build);
        host = lib.mkDefault "0.0.0.0";
        port = lib.mkDefault port;
        user = "ollama";
        group = "ollama";
        inherit models;
      }
      // lib.optionalAttrs (byWord && word != null) { acceleration = lib.mkDefault word; }
      # Vulkan is used when asked for.
      // lib.optionalAttrs (vendor == "intel") { environmentVariables.OLLAMA_VULKAN = lib.mkDefault "1"; };

      # With a dynamic user systemd moves /var/lib/ollama, and the bind in it, below /var/lib/private.
      systemd.services.ollama.serviceConfig.DynamicUser = lib.mkForce false;
    }

    # For people in a shell of the guest: the server may be at another port than the program expects.
    (lib.mkIf (port != 11434) {
      environment.variables.OLLAMA_HOST = lib.mkDefault "127.0.0.1:${toString port}";
    })

    (lib.mkIf llamaCpp {
      environment.systemPackages = [ llama ];
      systemd.tmpfiles.rules = map (name: "L+ /usr/local/bin/${name} - - - - ${llama}/bin/${name}") [
        "llama-cli"
        "llama-server"
      ];
    })
  ];
}
