# JupyterLab, with an environment that has PyTorch.
{
  config,
  lib,
  host,
  ...
}:

let
  inherit (lib) mkDefault mkOption types;
  users = import ../lib/users.nix;
  home = import ../lib/home.nix { inherit lib host; };
  inherit (host.config.kernelcore.containers) gpuVendor;
  vendor = import ./vendor.nix { inherit config host; };
in
{
  options = {
    port = mkOption {
      type = types.port;
      default = 8888;
      description = "JupyterLab's port.";
    };

    notebooksPath = mkOption {
      type = types.str;
      default = home.directory "dev/notebooks" "/var/lib/${config.machine}/notebooks";
      defaultText = lib.literalMD ''
        `dev/notebooks` in `system.user.homeDir` or in the home of the user `kernelcore`, where there is such;
        else `/var/lib/ml-jupyter/notebooks`
      '';
      example = "/home/alice/notebooks";
      description = ''
        The directory of the host with the notebooks, at the same path in the guest. It is made where it is missing.
        In a person's home, what JupyterLab writes belongs to that person.
      '';
    };

    extraPackages = mkOption {
      type = types.functionTo (types.listOf types.package);
      default = _: [ ];
      defaultText = lib.literalExpression "python: [ ]";
      example = lib.literalExpression "python: [ python.transformers python.polars ]";
      description = ''
        Further packages of Python, beside JupyterLab, NumPy, pandas, Matplotlib, scikit-learn and PyTorch. With
        `gpuVendor = "nvidia"` PyTorch is the prebuilt one (`torch-bin`), and there can be no second in one
        environment: a package that depends on nixpkgs' own PyTorch does not go together with it.
      '';
    };
  };

  config = {
    description = mkDefault "Notebooks (JupyterLab)";
    offset = mkDefault 12;
    stateVersion = mkDefault "25.05";

    ports.http = {
      port = mkDefault config.port;
      url = mkDefault "http";
      token = mkDefault "token";
    };
    credentials.token = mkDefault { generate = true; };
    health.http = {
      port = mkDefault config.port;
      path = mkDefault "/api";
    };
    startTimeout = mkDefault "3min";
    # Most notebooks do not compute on it.
    gpu = mkDefault (if gpuVendor == null then null else { vendor = gpuVendor; optional = true; });
    limits = {
      memoryMax = mkDefault "8G";
      tasksMax = mkDefault 4096;
    };

    binds.${config.notebooksPath} = {
      hostPath = mkDefault config.notebooksPath;
      create = mkDefault true;
      data = mkDefault true;
      owner = mkDefault (toString users.jupyter);
      hostOwner = mkDefault (home.personOf config.notebooksPath);
    };

    config = import ./guests/jupyterlab.nix {
      inherit vendor;
      inherit (config) port extraPackages;
      notebooks = config.notebooksPath;
    };
  };
}
