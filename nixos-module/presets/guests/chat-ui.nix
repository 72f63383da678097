# The guest that runs a chat: Open WebUI, or nextjs-ollama-llm-ui.
{
  backend,
  ollamaUrl,
  port,
}:

if backend == "open-webui" then
  import ./open-webui.nix { inherit ollamaUrl port; }
else
  { lib, ... }:
  {
    services.nextjs-ollama-llm-ui = {
      enable = true;
      hostname = lib.mkDefault "0.0.0.0";
      inherit port;
      ollamaUrl = lib.mkIf (ollamaUrl != null) ollamaUrl;
    };
  }
