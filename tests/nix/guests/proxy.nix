{ evaluate }:

let
  run =
    { proxy ? { }, dev ? { }, ml ? { }, groups ? { } }:
    let
      it = evaluate {
        configuration = {
          kernelcore.containers = {
            inherit groups ml;
            dev = dev // {
              enable = true;
              proxy = proxy // { enable = true; };
            };
          };
        };
      };
    in
    {
      host = it.containers.dev.proxy;
      text = it.result.text or (throw (toString it.result.problems));
      guest = it.guest "dev" "proxy";
      hosts = it.host.networking.hosts or { };
    };
  ml = { enable = true; ollama.enable = true; jupyter.enable = true; };
  lab = {
    enable = true;
    subnet = "10.77.3.0/24";
    web = {
      tree = "/srv/tree";
      ports.site = { port = 8080; url = "http"; };
      ports.admin = { port = 8443; url = "https"; };
      ports.dns = { port = 53; protocol = "udp"; url = "http"; };
    };
  };

  plain = run { inherit ml; dev.code-server.enable = true; dev.postgres.enable = true; groups.lab = lab; };
  narrow = run { inherit ml; proxy.groups = [ "dev" ]; };
  own = run { proxy = { httpPort = 8000; httpsPort = 8001; routes."own.home.internal" = "host.dev:3000"; }; };

  problems =
    proxy:
    (evaluate {
      configuration.kernelcore.containers.dev = {
        enable = true;
        proxy = proxy // { enable = true; };
      };
    }).result.problems;

  # What the behaviour tests give to a real Caddy.
  tried = run {
    ml = {
      enable = true;
      ollama = { enable = true; description = "Models, as <name>:tag"; };
      jupyter = { enable = true; description = "Notebooks"; };
    };
    dev.subnet = "10.77.4.0/24";
    proxy.groups = [ "ml" ];
  };
  caddyfile =
    let
      caddy = tried.guest.services.caddy;
      line = text: if text == "" then "" else "\t${text}\n";
      lines = builtins.filter builtins.isString (builtins.split "\n" caddy.globalConfig);
    in
    "{\n${builtins.concatStringsSep "" (map line lines)}}\n\n${caddy.extraConfig}";

  has = text: script: builtins.length (builtins.split text script) > 1;
  sites = it: it.guest.services.caddy.extraConfig;
in
[
  {
    says = "the file that a real Caddy is tested with is what this writes";
    ok = caddyfile == builtins.readFile ../../tests/behaviour/services_of_presets/Caddyfile;
  }
  {
    says = "the proxy is where it always was";
    ok = plain.host.address == "192.168.210.14" && plain.host.ports.http.port == 80 && plain.host.ports.https.port == 443;
  }
  {
    says = "it leads to every enabled service that has an address for people, by its name";
    ok =
      has "http://ollama\\.ml\\.internal [^\n]* https://ollama\\.ml\\.localhost [{]\n[^}]*reverse_proxy ollama\\.ml:11434\n" (sites plain)
      && has "http://jupyter\\.ml\\.internal " (sites plain)
      && has "reverse_proxy code-server\\.dev:8443\n" (sites plain);
  }
  {
    says = "and to nothing else: not to a database, nor to itself, nor to what is off";
    ok = !(has "postgres" (sites plain)) && !(has "proxy\\.dev" (sites plain)) && !(has "comfyui" (sites plain));
  }
  {
    says = "a container with several such ports has a name for each, one with HTTPS is trusted as it is";
    ok =
      has "http://8080\\.web\\.lab\\.internal " (sites plain)
      && has "reverse_proxy https://web\\.lab:8443 [{]\n\t\ttransport http [{]\n\t\t\ttls_insecure_skip_verify" (sites plain)
      && !(has ":53" (sites plain));
  }
  {
    says = "the group reaches what it leads to, and not what it does not";
    ok =
      has ''reach = \["lab/web", "ml/jupyter", "ml/ollama"]'' plain.text
      && !(has "reach" narrow.text)
      && !(has "\\.ml" (sites narrow));
  }
  {
    says = "a page lists the services, for whoever asks by no name of these";
    ok = has "^http:// https://192\\.168\\.210\\.14 [{]" (sites plain) && has ">ollama\\.ml\\.internal</a> Language models" (sites plain);
  }
  {
    says = "ports and routes of one's own";
    ok =
      has "http_port 8000\nhttps_port 8001\n" own.guest.services.caddy.globalConfig
      && has "http://own\\.home\\.internal https://own\\.home\\.internal [{]\n\ttls internal\n\treverse_proxy host\\.dev:3000\n" (sites own)
      && own.host.health.http.port == 8000;
  }
  {
    says = "the host knows the names, unless it is not to";
    ok =
      plain.hosts."192.168.210.14" == [
        "code-server.dev.internal"
        "8443.web.lab.internal"
        "8080.web.lab.internal"
        "jupyter.ml.internal"
        "ollama.ml.internal"
      ]
      && (run { proxy.hostNames = false; }).hosts == { };
  }
  {
    says = "what is no route is refused: a name that is none, a group that is none, more than a place to lead to";
    ok =
      builtins.length (problems { groups = [ "dve" ]; routes."http://x" = "host.dev:1"; }) == 2
      && !(builtins.tryEval (sites (run { proxy.routes."x.internal" = "host.dev:1 } evil"; }))).success;
  }
]
