{ lib, ... }:
{
  kernelcore.containers = {
    nameservers = [ "1.1.1.1" ];
    metrics = "127.0.0.1:9950";
    loadGpuModules = false;
    groups.lab = {
      enable = true;
      subnet = "10.77.3.0/24";
      all = {
        description = "Says \"everything\"";
        aliases = [ "every" ];
        address = "10.77.3.21";
        autoStart = false;
        config = { };
        stateVersion = "25.05";
        ephemeral = true;
        users = "own";
        capabilities = [ "CAP_IPC_LOCK" ];
        environment = { LANG = "C.UTF-8"; GREETING = "a \\ and \"b\""; };
        ports = {
          http = { port = 8080; url = "http"; token = "token"; };
          dns = { port = 53; protocol = "udp"; publish.hostPort = 5353; };
        };
        binds = {
          "/srv/models" = { hostPath = "/srv/models"; readOnly = true; };
          "/var/lib/data" = { hostPath = "/var/lib/all-data"; create = true; data = true; owner = "71"; hostOwner = "alice"; };
        };
        files."/etc/motd" = { text = "hello\n\ttab\n"; mode = "0600"; };
        credentials = { token.generate = true; password = "/run/secrets/x"; other.path = "/run/secrets/y"; };
        after = [ "lab/first" ];
        startTimeout = "15min";
        limits = { memoryMax = "8G"; memoryHigh = "6G"; cpus = 1.5; cpuWeight = 50; tasksMax = 4096; };
        restart = { policy = "always"; delay = "5s"; maxDelay = "5min"; window = "10min"; onUnhealthy = true; };
        health = {
          http = { port = 8080; path = "/health"; status = [ 200 401 ]; host = "www.example.org"; };
          interval = "30s";
          timeout = "5s";
          startInterval = "200ms";
          failures = 5;
          successes = 2;
        };
        gpu = { vendor = "any"; devices = [ 0 "0000:01:00.0" ]; optional = true; };
        actions.psql = { command = [ "psql" ]; user = "postgres"; terminal = true; };
      };
      first = {
        tree = "/var/lib/machines/debian";
        command = [ "/usr/bin/python3" "-m" "http.server" ];
        user = "www-data";
        workingDirectory = "/srv/www";
        health = { command = [ "true" ]; user = "nobody"; };
        limits.cpus = 2;
      };
      second = {
        directory = "/var/lib/machines/web";
        users = "host";
        units = [ "caddy.service" ];
        gpu.cdi = [ "nvidia.com/gpu=all" ];
        health.tcp = 5432;
      };
      third.system = "/nix/store/00000000000000000000000000000000-nixos-system-third";
    };
  };
}
