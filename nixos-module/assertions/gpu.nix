# Graphics processors: who is asked for, and whether the host has what makes them work.
{
  config,
  declared,
  lib,
  pkgs,
  ...
}:

let
  hasDriver =
    lib.any (lib.hasPrefix "nvidia") (config.services.xserver.videoDrivers or [ ])
    || (config.hardware.nvidia.datacenter.enable or false);

  unfree =
    (pkgs.config.allowUnfree or false)
    || pkgs.config ? allowUnfreePredicate
    || (pkgs.config.allowUnfreePackages or [ ]) != [ ]
    || builtins.getEnv "NIXPKGS_ALLOW_UNFREE" == "1";

  # Whose packages for NVIDIA nixpkgs has as unfree ones. The others compute by Vulkan, or on the processor as long as
  # nobody asks for CUDA.
  isUnfree =
    it:
    it.preset
    && !it.it.ownNixpkgs
    && it.it.package or null == null
    && (lib.elem it.name [ "ollama" "jupyter" ] || pkgs.config.cudaSupport or false);

  one =
    it:
    let
      inherit (it.it) gpu;
      byVendor = gpu.vendor != null;
      byName = gpu.cdi != [ ];
      nvidia = gpu.vendor == "nvidia";
    in
    if gpu == null then
      [ ]
    else
      lib.optional (byVendor && byName)
        "${it.option}.gpu: `vendor` and `cdi` are set, and either chooses. Remove one of them."
      ++ lib.optional (!byVendor && !byName)
        "${it.option}.gpu: nothing says which. Write `vendor = \"nvidia\";`, or specifications in `cdi`."
      ++ lib.optional (!byVendor && gpu.devices != "all")
        "${it.option}.gpu.devices: chooses among a vendor's. Write `vendor`, or remove it."
      ++ lib.optional (nvidia && !gpu.optional && !hasDriver)
        "${it.option}.gpu: this host has no driver of NVIDIA. Write `services.xserver.videoDrivers = [ \"nvidia\" ];` (without a desktop, too), or `${it.option}.gpu = null;`."
      ++ lib.optional (nvidia && isUnfree it && !unfree)
        "${it.option}: its packages for NVIDIA are unfree. Write `nixpkgs.config.allowUnfree = true;` in the host's configuration, or `${it.option}.gpu = null;`.";
in
lib.concatMap one declared.containers
