# The vendor of a preset's graphics processors, which decides its packages: what its `gpu` says, whoever said it.
{ config, host }:

if config.gpu == null then
  null
else if builtins.elem config.gpu.vendor [ "nvidia" "amd" "intel" ] then
  config.gpu.vendor
else
  host.config.kernelcore.containers.gpuVendor
