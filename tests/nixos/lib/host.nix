# A host with the module and one group, `lab`, which the tests fill.
{ pkgs, ... }:

{
  imports = [ ../../../nixos-module ];

  virtualisation = {
    memorySize = 2048;
    cores = 2;
    diskSize = 4096;
  };

  environment.systemPackages = [
    pkgs.curl
    pkgs.jq
  ];

  kernelcore.containers.groups.lab = {
    enable = true;
    subnet = "10.77.3.0/24";
  };
}
