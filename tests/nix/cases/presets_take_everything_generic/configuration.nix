# Presets take all that a container of one's own takes, and their own values give way.
{
  kernelcore.containers.ml = {
    enable = true;
    description = "Models";
    subnet = "10.77.0.0/24";
    hostOffset = 1;
    ollama = {
      enable = true;
      description = "Another description";
      aliases = [ "llm" ];
      offset = 77;
      autoStart = false;
      stateVersion = "25.11";
      config = { services.ollama.loadModels = [ "small" ]; };
      ports.http = { publish = { hostPort = 11434; address = "127.0.0.1"; }; };
      ports.metrics.port = 9100;
      binds."/srv/extra" = { hostPath = "/srv/extra"; readOnly = true; };
      files."/etc/motd".text = "hello\n";
      credentials.key = "/run/secrets/key";
      environment.LANG = "C.UTF-8";
      after = [ "ml/jupyter" ];
      startTimeout = "7min";
      limits = { memoryMax = "3G"; cpus = 2; };
      restart.policy = "always";
      health.interval = "1min";
      gpu = null;
      actions.version.command = [ "ollama" "--version" ];
      users = "own";
      capabilities = [ "CAP_IPC_LOCK" ];
      ephemeral = true;
    };
    jupyter.enable = true;
  };
}
