# JupyterLab as a service of a guest. The credential `token` lets people in.
{
  port,
  # The directory that it starts in, which is there and belongs to the user `jupyter`.
  notebooks,
  vendor,
  # Further packages of Python, and programs for its terminals.
  extraPackages ? _: [ ],
  programs ? _: [ ],
}:

{ lib, pkgs, ... }:

let
  home = "/var/lib/jupyter";

  # NVIDIA's: the build of PyTorch's makers, with CUDA. nixpkgs' own would have to be compiled for it.
  torch =
    python:
    if vendor == "nvidia" then
      [
        python.torch-bin
        python.torchvision-bin
      ]
    else
      [
        python.torch
        python.torchvision
      ];

  python = pkgs.python3.withPackages (
    python:
    [
      python.ipykernel
      python.jupyterlab
      python.matplotlib
      python.numpy
      python.pandas
      python.scikit-learn
    ]
    ++ torch python
    ++ extraPackages python
  );
in
{
  imports = [
    (import ./service.nix {
      name = "jupyter";
      inherit home vendor;
    })
  ];

  config = {
    environment.systemPackages = [
      python
      pkgs.git
    ]
    ++ programs pkgs;

    users.users.jupyter.shell = lib.mkDefault pkgs.bashInteractive;

    systemd.services.jupyter = {
      description = "JupyterLab";

      # What people run in a notebook or in a terminal of the lab.
      path = [ "/run/current-system/sw" ];
      environment = {
        SHELL = "${pkgs.bashInteractive}/bin/bash";
        # %d is where systemd has put the credential; jupyter_server reads the file.
        JUPYTER_TOKEN_FILE = "%d/token";
      };

      script = ''
        exec ${python}/bin/jupyter-lab --no-browser --ip=0.0.0.0 --port=${toString port}
      '';

      serviceConfig = {
        LoadCredential = "token";
        WorkingDirectory = notebooks;
        # People work here: who may write where is the users' matter, as in any shell.
        ProtectSystem = false;
        ProtectHome = false;
      };
    };
  };
}
