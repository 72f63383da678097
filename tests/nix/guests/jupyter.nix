{ evaluate }:

let
  run =
    { vendor ? null, jupyter ? { }, host ? { } }:
    let
      it = evaluate {
        configuration = {
          imports = [ host ];
          services.xserver.videoDrivers = [ "nvidia" ];
          nixpkgs.config.allowUnfree = true;
          kernelcore.containers.gpuVendor = vendor;
          kernelcore.containers.ml.enable = true;
          kernelcore.containers.ml.jupyter = jupyter // { enable = true; };
        };
      };
    in
    {
      host = it.containers.ml.jupyter;
      guest = it.guest "ml" "jupyter";
    };

  notebooks = "/var/lib/ml-jupyter/notebooks";
  atHome = "/home/kernelcore/dev/notebooks";
  plain = run { };
  unit = plain.guest.systemd.services.jupyter;
  environment = it: (builtins.head it.guest.environment.systemPackages).packages;
  has = text: script: builtins.length (builtins.split text script) > 1;
  kernelcore = run { host.users.users.kernelcore.isNormalUser = true; };
in
[
  {
    says = "JupyterLab is where it always was";
    ok = plain.host.address == "192.168.200.12" && plain.host.ports.http.port == 8888;
  }
  {
    says = "it listens on its port on every address of the guest";
    ok = has "jupyter-lab --no-browser --ip=0.0.0.0 --port=8888" unit.script;
  }
  {
    says = "another port is the unit's, the probe's and the address's";
    ok =
      let
        it = run { jupyter.port = 9000; };
      in
      has "--port=9000" it.guest.systemd.services.jupyter.script
      && it.host.health.http.port == 9000
      && it.host.ports.http.port == 9000;
  }
  {
    says = "its token is made by ctrd, read from a file by the unit alone, and part of its address";
    ok =
      plain.host.credentials.token.generate
      && plain.host.ports.http.token == "token"
      && unit.serviceConfig.LoadCredential == "token"
      && unit.environment.JUPYTER_TOKEN_FILE == "%d/token";
  }
  {
    says = "a token of one's own is a path";
    ok = (run { jupyter.credentials.token = "/run/secrets/token"; }).host.credentials.token == "/run/secrets/token";
  }
  {
    says = "it runs as nobody's root, in the directory with the notebooks";
    ok =
      unit.serviceConfig.User == "jupyter"
      && unit.serviceConfig.WorkingDirectory == notebooks
      && plain.host.binds.${notebooks}.owner == toString plain.guest.users.users.jupyter.uid;
  }
  {
    says = "the notebooks are in the home of the user kernelcore where there is one, and belong to them";
    ok =
      kernelcore.host.binds.${atHome}.hostPath == atHome
      && kernelcore.host.binds.${atHome}.hostOwner == "kernelcore";
  }
  {
    says = "and elsewhere on other hosts, at the same path in the guest";
    ok =
      plain.host.binds.${notebooks}.hostPath == notebooks
      && plain.host.binds.${notebooks}.hostOwner == null;
  }
  {
    says = "PyTorch is nixpkgs' own, and the prebuilt one for NVIDIA, and never both";
    ok =
      let
        torch = it: builtins.filter (name: builtins.match "torch(-bin)?" name != null) (environment it);
      in
      torch plain == [ "torch" ] && torch (run { vendor = "nvidia"; }) == [ "torch-bin" ];
  }
  {
    says = "further packages are in the same environment";
    ok = builtins.elem "virtualenv" (environment (run { jupyter.extraPackages = python: [ python.virtualenv ]; }));
  }
  {
    says = "it starts without the card, and wheels find NVIDIA's libraries";
    ok =
      let
        it = run { vendor = "nvidia"; };
      in
      it.host.gpu.optional && it.guest.systemd.services.jupyter.environment.LD_LIBRARY_PATH == "/run/opengl-driver/lib";
  }
]
