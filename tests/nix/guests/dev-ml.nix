{ evaluate }:

let
  run =
    vendor:
    let
      it = evaluate {
        configuration = {
          services.xserver.videoDrivers = [ "nvidia" ];
          users.users.kernelcore.isNormalUser = true;
          kernelcore.containers.gpuVendor = vendor;
          kernelcore.containers.dev.enable = true;
          kernelcore.containers.dev.dev-ml.enable = true;
        };
      };
    in
    {
      host = it.containers.dev.dev-ml;
      guest = it.guest "dev" "dev-ml";
    };

  plain = run null;
  nvidia = run "nvidia";

  unit = plain.guest.systemd.services.jupyter;
  packages = map (it: it.pname) plain.guest.environment.systemPackages;
  workspace = "/home/kernelcore/dev/workspace";
  has = text: script: builtins.length (builtins.split text script) > 1;
in
[
  {
    says = "it is where it always was, and its machine is dev-ml";
    ok =
      plain.host.machine == "dev-ml"
      && plain.host.address == "192.168.210.11"
      && plain.host.ports.http.port == 8889
      && plain.host.aliases == [ "ml" ];
  }
  {
    says = "JupyterLab runs at its port, in the workspace, with a token made at random";
    ok =
      has "--port=8889" unit.script
      && unit.serviceConfig.WorkingDirectory == workspace
      && unit.serviceConfig.LoadCredential == "token"
      && plain.host.credentials.token.generate
      && plain.host.ports.http.token == "token";
  }
  {
    says = "the workspace belongs to its person on the host and to Jupyter's number here";
    ok =
      let
        bind = plain.host.binds.${workspace};
      in
      bind.hostPath == workspace && bind.hostOwner == "kernelcore" && bind.owner == toString plain.guest.users.users.jupyter.uid;
  }
  {
    says = "compilers and tools are there, and Python with pip in the environment of the lab";
    ok =
      builtins.all (name: builtins.elem name packages) [ "cargo" "gcc" "go" "neovim" "nodejs" "ripgrep" "uv" ]
      && builtins.elem "pip" (builtins.head (builtins.filter (it: it ? packages) plain.guest.environment.systemPackages)).packages;
  }
  {
    says = "it is given no graphics processor unless told to";
    ok = nvidia.host.gpu == null;
  }
]
