# Caddy, with a route to every service by its name.
{
  config,
  host,
  lib,
  ...
}:

let
  inherit (lib) mkDefault mkOption types;
in
{
  options = {
    httpPort = mkOption {
      type = types.port;
      default = 80;
      description = "The port for HTTP.";
    };

    httpsPort = mkOption {
      type = types.port;
      default = 443;
      description = ''
        The port for HTTPS, with certificates of Caddy's own authority. `ctr dev run proxy certificate` prints
        that authority's, for a browser to trust.
      '';
    };

    groups = mkOption {
      type = types.nullOr (types.listOf types.str);
      default = null;
      example = [ "dev" ];
      description = ''
        The groups whose services it leads to; every enabled one where this is `null`. For services of other
        groups `kernelcore.containers.dev.reach` gets them, so that all of `dev` reaches them too.
      '';
    };

    routes = mkOption {
      # One word: it stands in Caddy's configuration.
      type = types.attrsOf (types.strMatching "[^][:space:]{}\"`]+");
      default = { };
      example = {
        "grafana.home.internal" = "host.dev:3000";
      };
      description = ''
        Routes of your own, from a name to where it leads: `host:port`, or a URL. For a port of this host the
        group has to have it in `hostPorts`.
      '';
    };

    hostNames = mkOption {
      type = types.bool;
      default = true;
      description = ''
        Whether this host's `/etc/hosts` has the names that the proxy answers to, those of `routes` as well, so that
        its browsers find it.
      '';
    };
  };

  config = {
    description = mkDefault "Caddy, with a route to every service";
    offset = mkDefault 14;
    stateVersion = mkDefault "25.05";

    ports.http = {
      port = mkDefault config.httpPort;
      url = mkDefault "http";
    };
    ports.https = {
      port = mkDefault config.httpsPort;
      url = mkDefault "https";
    };

    # The page that lists the services.
    health.http.port = mkDefault config.httpPort;

    limits = {
      memoryMax = mkDefault "512M";
      tasksMax = mkDefault 512;
    };

    actions.certificate.command = mkDefault [
      "cat"
      "/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt"
    ];

    config = import ./guests/proxy.nix {
      inherit (config)
        address
        httpPort
        httpsPort
        routes
        ;
      services = import ./routes.nix {
        inherit lib;
        containers = host.config.kernelcore.containers;
      };
    };
  };
}
