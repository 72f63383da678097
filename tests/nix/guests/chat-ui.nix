{ evaluate }:

let
  run =
    { chat ? { }, ml ? { }, release ? "25.11", allowUnfree ? true }:
    let
      it = evaluate {
        inherit release allowUnfree;
        configuration = {
          kernelcore.containers = {
            inherit ml;
            dev.enable = true;
            dev.chat-ui = chat // { enable = true; };
          };
        };
      };
    in
    {
      host = it.containers.dev.chat-ui;
      text = it.result.text or (throw (toString it.result.problems));
      guest = it.guest "dev" "chat-ui";
    };
  ollama = { enable = true; ollama.enable = true; };

  plain = run { ml = ollama; };
  moved = run { ml = ollama // { subnet = "10.9.0.0/24"; ollama = { enable = true; port = 4000; }; }; };
  alone = run { };
  off = run { ml = ollama // { enable = false; }; };
  byHand = run { ml = ollama // { ollama = { enable = true; autoStart = false; }; }; };
  small = run { ml = ollama; chat.backend = "nextjs-ollama-llm-ui"; };
  smallAlone = run { chat.backend = "nextjs-ollama-llm-ui"; };
  refused = run { ml = ollama; allowUnfree = false; };

  has = text: script: builtins.length (builtins.split text script) > 1;
  reach = ''reach = \["ml/ollama"]'';
  unit = plain.guest.systemd.services.open-webui;
  webui = plain.guest.services.open-webui;
in
[
  {
    says = "the chat is where it always was";
    ok = plain.host.address == "192.168.210.12" && plain.host.ports.http.port == 3000 && plain.host.aliases == [ "chat" ] && webui.port == 3000;
  }
  {
    says = "it asks ml/ollama by its name, starts after it, and dev reaches it and nothing else of ml";
    ok =
      webui.environment.OLLAMA_BASE_URL == "http://ollama.ml:11434"
      && plain.host.after == [ "ml/ollama" ]
      && has reach plain.text;
  }
  {
    says = "Ollama's port is followed";
    ok = moved.guest.services.open-webui.environment.OLLAMA_BASE_URL == "http://ollama.ml:4000";
  }
  {
    says = "without Ollama, or with its group off, nothing that is not there is named";
    ok =
      builtins.all (
        it:
        it.host.after == [ ]
        && !(has "reach" it.text)
        && it.guest.services.open-webui.environment.ENABLE_OLLAMA_API == "False"
        && !(it.guest.services.open-webui.environment ? OLLAMA_BASE_URL)
      ) [ alone off ];
  }
  {
    says = "an Ollama that does not start with the host is not waited for";
    ok = byHand.host.after == [ ] && has reach byHand.text;
  }
  {
    says = "its chats are on the host, as a user with a number, whom systemd moves nowhere";
    ok =
      let
        bind = plain.host.binds.${webui.stateDir};
      in
      bind.data
      && bind.hostPath == "/var/lib/dev-chat-ui"
      && bind.owner == toString plain.guest.users.users.open-webui.uid
      && unit.serviceConfig.User == "open-webui"
      && !unit.serviceConfig.DynamicUser;
  }
  {
    says = "the key of its sessions is a credential, and is in no unit";
    ok =
      plain.host.credentials.secret-key.generate
      && unit.serviceConfig.LoadCredential == "secret-key"
      && unit.serviceConfig.EnvironmentFile == [ "-${unit.environment.SECRET_ENVIRONMENT}" ]
      && !(webui.environment ? WEBUI_SECRET_KEY);
  }
  {
    says = "what NixOS says by default of telemetry still holds";
    ok = webui.environment.ANONYMIZED_TELEMETRY == "False";
  }
  {
    says = "where unfree packages are not allowed, it is said with what to write";
    ok =
      let
        failed = it: builtins.filter (it: !it.assertion) it.guest.assertions;
      in
      failed plain == [ ] && has ''backend = "nextjs-ollama-llm-ui"'' (builtins.head (failed refused)).message;
  }
  {
    says = "the other backend has Ollama's address, which a browser finds as well, and no data here";
    ok =
      small.guest.services.nextjs-ollama-llm-ui.ollamaUrl == "http://192.168.200.11:11434"
      && small.host.binds == { }
      && small.host.credentials == { };
  }
  {
    says = "without Ollama the other backend says what is missing, and is evaluated all the same";
    ok = smallAlone.host.missing.what == "no Ollama" && smallAlone.guest.services.nextjs-ollama-llm-ui.enable;
  }
]
