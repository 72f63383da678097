# What stands for nixpkgs in ../guest.nix: packages by the names that they have there, and the functions that guests
# of presets call. Nothing is built: a path of the store is made of the name, and what a function was given is kept
# beside it, so that a test can look at it (`(getUnit …).text`).
{ lib, release }:

let
  since = version: names: lib.optionals (release == "unstable" || lib.versionAtLeast release version) names;

  store = name: "/nix/store/00000000000000000000000000000000-${name}";

  package = name: {
    type = "derivation";
    inherit name;
    pname = name;
    outPath = store name;
    drvPath = "${store name}.drv";
    outputName = "out";
    meta.mainProgram = name;
    override = _: package name;
  };
  made = name: with': package name // with';

  named = names: lib.genAttrs names package;

  postgresql =
    psqlSchema:
    package "postgresql" // {
      inherit psqlSchema;
      pkgs = named [ "pgvector" ];
    };

  python = named [
    "ipykernel"
    "jupyterlab"
    "matplotlib"
    "numpy"
    "pandas"
    "pip"
    "scikit-learn"
    "torch"
    "torch-bin"
    "torchvision"
    "torchvision-bin"
    "virtualenv"
  ];
in
named (
  [
    "bash"
    "bashInteractive"
    "cargo"
    "curl"
    "fd"
    "gcc"
    "git"
    "gnumake"
    "go"
    "htop"
    "jq"
    "llama-cpp"
    "neovim"
    "nodejs"
    "ollama"
    "ollama-cuda"
    "ollama-rocm"
    "ripgrep"
    "rustc"
    "tmux"
    "vllm"
    "wget"
  ]
  ++ since "24.05" [ "uv" ]
  ++ since "25.11" [
    "llama-cpp-vulkan"
    "ollama-vulkan"
  ]
  ++ since "26.05" [ "comfyui" ]
)
// {
  config.allowUnfree = true;

  stdenv = {
    cc = package "gcc-wrapper";
    hostPlatform.system = "x86_64-linux";
  };

  postgresql = postgresql "14";
  postgresql_16 = postgresql "16";
  postgresql_17 = postgresql "17";

  open-webui = package "open-webui" // {
    meta.license.free = false;
  };

  python3 = package "python3" // {
    withPackages = packages: made "python3-env" { packages = map (it: it.pname) (packages python); };
  };

  writeText = name: text: made name { inherit text; };
  writeShellScript = name: text: made name { inherit text; };
  writeShellScriptBin = name: text: made name { inherit text; };
  writeShellApplication = it: made it.name { inherit (it) text; };
  formats = lib.genAttrs [ "ini" "json" "toml" "yaml" ] (
    _: _: {
      type = lib.types.anything;
      generate = name: value: made name { inherit value; };
    }
  );
}
