# The build of llama.cpp for a vendor's graphics processors.
#
# Vulkan for each of them: it is free software that binary caches have, and takes its driver from
# /run/opengl-driver. nixpkgs has it since 25.11. A build for CUDA is compiled on the spot by most.
{ pkgs, vendor }:

if vendor == null then pkgs.llama-cpp else pkgs.llama-cpp-vulkan or pkgs.llama-cpp
