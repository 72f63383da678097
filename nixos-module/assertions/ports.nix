# Ports of the host that containers are published on.
{
  config,
  declared,
  lib,
  ...
}:

let
  inherit (declared) containers pairs;
  inherit (config) services;

  published = lib.concatMap (
    it:
    lib.mapAttrsToList (name: port: {
      inherit (port) protocol;
      inherit (port.publish) hostPort address;
      option = "${it.option}.${lib.showOption [ "ports" name "publish" "hostPort" ]}";
    }) (lib.filterAttrs (_: port: port.publish != null) it.it.ports)
  ) containers;

  # One without an address is on every address.
  clash =
    { one, other }:
    one.hostPort == other.hostPort
    && one.protocol == other.protocol
    && (one.address == null || other.address == null || one.address == other.address);

  twice = map (
    { one, other }:
    "${one.option} and ${other.option} are both ${toString one.hostPort}/${one.protocol}. Choose another port for one of them, or give each an `address` of the host."
  ) (lib.filter clash (pairs published));

  runs = name: services.${name}.enable or false;

  # Services of the host that listen on a TCP port, as far as they are known by an option of NixOS.
  serves = name: ports: lib.optionals (runs name) (map (port: { inherit port; option = "services.${name}"; }) ports);

  # nginx and httpd have their ports by virtual host.
  ofHosts =
    name:
    let
      http = services.${name}.defaultHTTPListenPort or 80;
      https = services.${name}.defaultSSLListenPort or 443;
    in
    lib.unique (
      lib.concatMap (
        it:
        if (it.listen or [ ]) != [ ] then
          map (listen: listen.port or http) it.listen
        else
          [ http ] ++ lib.optional ((it.forceSSL or false) || (it.addSSL or false) || (it.onlySSL or false)) https
      ) (lib.attrValues (services.${name}.virtualHosts or { }))
    );

  # Releases of NixOS move `port` to `settings.port`, and a moved option is not to be looked at.
  portOf = name: services.${name}.settings.port or services.${name}.port or null;

  listening =
    serves "openssh" (services.openssh.ports or [ 22 ])
    ++ serves "nginx" (ofHosts "nginx")
    ++ serves "httpd" (ofHosts "httpd")
    ++ serves "caddy" [ 80 443 ]
    ++ serves "k3s" [ 6443 ]
    ++ lib.concatMap (name: serves name [ (portOf name) ]) [
      "code-server"
      "jupyter"
      "llama-cpp"
      "ollama"
      "open-webui"
      "postgresql"
    ];

  taken = lib.concatMap (
    it:
    map (
      other:
      "${it.option}: ${other.option} of this host listens on ${toString it.hostPort}. Choose another port, or remove that service from the host."
    ) (lib.filter (other: it.protocol == "tcp" && other.port == it.hostPort) listening)
  ) published;
in
twice ++ taken
