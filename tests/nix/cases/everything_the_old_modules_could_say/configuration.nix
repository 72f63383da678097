# Every option that the modules had which this one replaces, each with another value than its default.
{
  services.xserver.videoDrivers = [ "nvidia" ];
  nixpkgs.config.allowUnfree = true;

  kernelcore.containers = {
    ml = {
      enable = true;
      ollama = {
        enable = true;
        port = 11435;
        modelsPath = "/srv/ollama";
        bindLlamaCpp = true;
        llamaCppPath = "/opt/llama.cpp/bin/llama-cli";
      };
      jupyter = { enable = true; port = 8890; notebooksPath = "/srv/notebooks"; };
      comfyui = { enable = true; port = 8189; };
      vllm = { enable = true; port = 8001; };
      localai = { enable = true; port = 8081; };
    };
    dev = {
      enable = true;
      dev-ml = { enable = true; port = 8891; workspacePath = "/srv/workspace"; };
      chat-ui = { enable = true; port = 3001; };
      code-server = { enable = true; port = 8444; workspacePath = "/srv/code"; };
      proxy = { enable = true; httpPort = 8082; httpsPort = 8445; };
      postgres = { enable = true; port = 5433; dataPath = "/srv/postgres"; };
    };
  };
}
