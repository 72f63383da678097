# The guest that runs Caddy.
{
  address,
  httpPort,
  httpsPort,
  routes,
  services,
}:

{ lib, ... }:

let
  caddyfile = import ./caddyfile.nix { inherit lib; };
in
{
  services.caddy = {
    enable = true;
    # As lines, because the options of that name came later. Nothing here asks a public authority for a
    # certificate, and a name that is asked for by HTTP is not sent elsewhere.
    globalConfig = ''
      skip_install_trust
      auto_https disable_redirects
      http_port ${toString httpPort}
      https_port ${toString httpsPort}
    '';
    extraConfig = caddyfile.sites { inherit address routes services; };
  };
}
