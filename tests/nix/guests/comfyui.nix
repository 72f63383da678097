{ evaluate }:

let
  package = name: {
    type = "derivation";
    inherit name;
    outPath = "/nix/store/00000000000000000000000000000000-${name}";
    meta.mainProgram = name;
  };
  run =
    { release ? "26.05", vendor ? null, comfyui ? { } }:
    let
      it = evaluate {
        inherit release;
        configuration = {
          services.xserver.videoDrivers = [ "nvidia" ];
          nixpkgs.config.allowUnfree = true;
          kernelcore.containers.gpuVendor = vendor;
          kernelcore.containers.ml.enable = true;
          kernelcore.containers.ml.comfyui = comfyui // { enable = true; };
        };
      };
    in
    {
      host = it.containers.ml.comfyui;
      guest = it.guest "ml" "comfyui";
    };

  plain = run { };
  own = run {
    vendor = "nvidia";
    comfyui = {
      package = package "comfy-ui";
      extraArgs = [ "--lowvram" ];
      port = 8200;
    };
  };
  old = run { release = "25.05"; };
  has = text: script: builtins.length (builtins.split text script) > 1;

  # Older libraries quote every word.
  plainly = builtins.replaceStrings [ "'" ] [ "" ];
  script = plainly own.guest.systemd.services.comfyui.script;
in
[
  {
    says = "ComfyUI is where it always was, and does not start with the host";
    ok = plain.host.address == "192.168.200.13" && plain.host.ports.http.port == 8188 && !plain.host.autoStart;
  }
  {
    says = "NixOS's service is used where there is one";
    ok =
      plain.guest.services.comfyui.enable
      && plain.guest.services.comfyui.listen == [ "0.0.0.0" ]
      && plain.guest.services.comfyui.port == 8188;
  }
  {
    says = "where there is none it says what to set, and the guest is evaluated all the same";
    ok =
      old.host.missing.what == "no ComfyUI package"
      && has "kernelcore.containers.ml.comfyui.package" old.host.missing.hint
      && !(old.guest.systemd.services ? comfyui);
  }
  {
    says = "a package of one's own is run by a unit of its own, and nothing is missing";
    ok =
      own.host.missing == null
      && !own.guest.services.comfyui.enable
      && own.guest.systemd.services.comfyui.serviceConfig.User == "comfyui"
      && has "/bin/comfy-ui --listen 0.0.0.0 --port 8200 --base-directory /var/lib/comfyui " script
      && has " --lowvram" script;
  }
  {
    says = "its models and images are on the host, and belong to its user";
    ok =
      let
        inherit (plain.host) binds;
        owner = toString plain.guest.users.users.comfyui.uid;
      in
      binds."/var/lib/comfyui/models".owner == owner
      && binds."/var/lib/comfyui/output".owner == owner
      && binds."/var/lib/comfyui/output".hostPath == "/var/lib/comfyui/output";
  }
  {
    says = "it makes the folders for models as its own user, who alone can in a person's directory";
    ok =
      has "models/checkpoints" plain.guest.systemd.services.comfyui.preStart
      && has "models/checkpoints" own.guest.systemd.services.comfyui.preStart;
  }
  {
    says = "without a card it is told to compute on the processor, with a package for one it is not";
    ok =
      plain.guest.services.comfyui.extraArgs == [ "--cpu" ] && !(has "--cpu" script);
  }
  {
    says = "a card that nixpkgs builds nothing for is a warning, and it starts";
    ok =
      let
        it = (run { vendor = "nvidia"; }).guest;
      in
      it.services.comfyui.extraArgs == [ "--cpu" ] && builtins.length it.warnings == 1 && plain.guest.warnings == [ ];
  }
]
