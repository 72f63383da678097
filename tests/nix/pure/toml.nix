let
  inherit (import ../../../nixos-module/lib) toml table;

  back = declaration: builtins.fromTOML (toml.write declaration);
  same = declaration: back declaration == declaration;
  container = it: { schema = 1; groups.lab.containers.web = it; };
in
[
  {
    says = "an empty declaration is one line";
    ok = toml.write { schema = 1; } == "schema = 1\n";
  }
  {
    says = "groups and containers have headers, in the order of the alphabet";
    ok =
      toml.write {
        groups.b.containers.x.a = 1;
        groups.a.subnet = "10.0.0.0/24";
        schema = 1;
      } == "schema = 1\n\n[groups.a]\nsubnet = \"10.0.0.0/24\"\n\n[groups.b]\n\n[groups.b.containers.x]\na = 1\n";
  }
  {
    says = "quotes, backslashes and control characters come back";
    ok = same (container {
      text = "\"quoted\" \\ back\nline\ttab\r " + builtins.fromJSON ''"\u0001\u001f"'';
    });
  }
  {
    says = "what Nix or a shell would read something into comes back";
    ok = same (container { text = "\${HOME} $(id) '' ''' # [x] = é 日本 \\u0041"; });
  }
  {
    says = "keys with dots, spaces, quotes and slashes come back";
    ok = same (container {
      files = {
        "/etc/a.b c".text = "x";
        "with \"quotes\"".text = "x";
        "".text = "x";
      };
    });
  }
  {
    says = "numbers, whole and not, come back";
    ok = same (container { limits = { cpus = 1.5; tasks = 4096; big = 9007199254740993; below = -1; }; });
  }
  {
    says = "lists of tables come back";
    ok = same (container { ports = [ { port = 80; publish = { host-port = 8080; }; } { port = 81; } ]; after = [ ]; });
  }
  {
    says = "true and false come back";
    ok = same (container { autostart = true; ephemeral = false; });
  }
  {
    says = "what says nothing is left out";
    ok =
      table {
        memoryMax = "8G";
        after = [ ];
        missing = null;
        environment = { };
        ephemeral = false;
        _module = throw "looked at";
      } == {
        memory-max = "8G";
        ephemeral = false;
      };
  }
]
