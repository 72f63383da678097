# What the module does to a host besides the declaration.
{ lib, ... }:

let
  inherit (import ./packages.nix { inherit lib; }) host package pkgs;

  web = more: { stateVersion = "25.11"; config = { }; } // more;
  two = {
    kernelcore.containers = {
      groups.lab = {
        enable = true;
        subnet = "10.77.3.0/24";
        pg = web {
          aliases = [ "sql" ];
          actions.psql.command = [ "psql" ];
        };
        twin = web { actions.list.command = [ "ls" ]; };
      };
      groups.far-too-long-a-name = {
        enable = true;
        subnet = "10.77.4.0/24";
        twin = web { actions.list.command = [ "ls" ]; };
      };
    };
  };
  with' = modules: (host pkgs ([ two ] ++ modules)).config;
  plain = with' [ ];
  none = (host pkgs [ { kernelcore.containers.groups.lab.subnet = "10.77.3.0/24"; } ]).config;

  aliases = plain.environment.shellAliases;
  ctrd = plain.systemd.services.ctrd;
  packages = map (it: it.name) plain.environment.systemPackages;
  settings = modules: (with' modules).boot.kernel.sysctl;
  check = lib.head plain.system.checks;
in
[
  {
    says = "a host without a group has nothing of ctrd";
    ok = none.environment.systemPackages == [ ]
      && !(none.systemd.services ? ctrd)
      && !(none.environment.etc ? "ctr/containers.toml".text)
      && none.environment.shellAliases == { }
      && none.boot.kernelModules == [ ];
  }
  {
    says = "ctrd can stay for the switch that takes the last group away";
    ok =
      let
        config = (host pkgs [ { kernelcore.containers.daemon.enable = true; } ]).config;
      in
      config.systemd.services ? ctrd && config.kernelcore.containers.declaration.groups == { };
  }
  {
    says = "the package is ours where somebody else has a ctr";
    ok = lib.elem "ours" (map (it: it.name) (
      (host (pkgs // { ctr = package "containerd"; }) [ two ]).config.environment.systemPackages
    ));
  }
  {
    says = "the package is the overlay's where that is ours";
    ok = lib.elem "overlaid" (map (it: it.name) (
      (host (pkgs // { ctr = package "overlaid" // { kernelcoreContainers = true; }; }) [ two ]).config.environment.systemPackages
    ));
  }
  {
    says = "ctr goes before another program of that name, and nft is there";
    # A package that says nothing has 5, and the lower number wins.
    ok = ((lib.head plain.environment.systemPackages).meta.priority or 5) < 5 && packages == [ "ours" "nftables" ];
  }
  {
    says = "a changed declaration is a reload of the package's unit";
    ok =
      ctrd.reloadTriggers == [ plain.environment.etc."ctr/containers.toml".source ]
      && ctrd.wantedBy == [ "multi-user.target" ]
      && map (it: it.name) ctrd.path == [ "nftables" ]
      && !(ctrd ? restartTriggers)
      && !(ctrd ? serviceConfig)
      && lib.elem "ours" (map (it: it.name) plain.systemd.packages);
  }
  {
    says = "the file in /etc is the declaration";
    ok = plain.environment.etc."ctr/containers.toml".text == plain.kernelcore.containers.declarationText;
  }
  {
    says = "the build checks that text with ctrd";
    ok = lib.hasInfix "-ours/bin/ctrd check /nix/store/00000000000000000000000000000000-containers.toml" check.script;
  }
  {
    says = "every setting of dist is set, and forwarding by both its names";
    ok =
      let
        set = settings [ ];
        lines = lib.filter (it: it != "" && !lib.hasPrefix "#" it) (
          lib.splitString "\n" (builtins.readFile ../../../dist/10-ctr.sysctl.conf)
        );
      in
      lib.length (lib.attrNames set) == lib.length lines + 1
      && set."fs.inotify.max_user_instances" == "1048576"
      && set."net.ipv4.ip_forward" == "1"
      && set."net.ipv4.conf.all.forwarding" == "1";
  }
  {
    says = "a setting goes before NixOS's default, and yields to the host's word";
    ok =
      (settings [ { boot.kernel.sysctl."net.ipv4.conf.all.forwarding" = lib.mkDefault false; } ])
      ."net.ipv4.conf.all.forwarding" == "1"
      &&
        (settings [ { boot.kernel.sysctl."fs.inotify.max_user_instances" = 4096; } ])
        ."fs.inotify.max_user_instances" == 4096;
  }
  {
    says = "operators are members of the group ctr, and it is there without any";
    ok =
      (with' [ { kernelcore.containers.daemon.operators = [ "ann" ]; } ]).users.groups.ctr.members == [ "ann" ]
      && plain.users.groups.ctr.members == [ ];
  }
  {
    says = "a rule of the host comes before the one for operators";
    ok =
      let
        rules = (with' [ { security.polkit.extraConfig = lib.mkOrder 1400 "their rule\n"; } ]).security.polkit.extraConfig;
      in
      lib.hasPrefix "their rule" rules && lib.hasInfix "subject.isInGroup(\"ctr\")" rules && !(lib.hasInfix "//" rules);
  }
  {
    says = "network managers know the bridges by name, but for those that are called ctr-";
    ok =
      plain.kernelcore.containers.tenants == {
        enable = true;
        bridges = [ "br-lab" ];
      };
  }
  {
    says = "aliases are what `ctr aliases` prints";
    ok =
      aliases.lab-pg-enter == "ctr lab enter pg"
      && aliases.lab-sql-status == "ctr lab status pg"
      && aliases.lab-sql-psql == "ctr lab run pg psql"
      && aliases.pg-psql == "ctr lab run pg psql"
      && aliases.lab-stop-all == "ctr lab stop-all"
      && aliases.lab-twin-list == "ctr lab run twin list"
      && aliases.far-too-long-a-name-twin-list == "ctr far-too-long-a-name run twin list";
  }
  {
    says = "an action of a container whose name two groups have needs its group";
    ok = !(aliases ? twin-list);
  }
  {
    says = "whoever else defines an alias has it, by a default too";
    ok =
      (with' [ { environment.shellAliases.pg-psql = "theirs"; } ]).environment.shellAliases.pg-psql == "theirs"
      &&
        (with' [ { environment.shellAliases.pg-psql = lib.mkDefault "theirs"; } ]).environment.shellAliases.pg-psql
        == "theirs";
  }
  {
    says = "without migrateAliases there is none";
    ok = (with' [ { kernelcore.containers.migrateAliases = false; } ]).environment.shellAliases == { };
  }
]
