{ lib, ... }:
{
  kernelcore.containers = {
    evalContainer = throw "a guest was evaluated";
    # A group that is not enabled, and containers that are not in one that is.
    dev = { proxy.enable = true; proxy.config = throw "a guest of a disabled group was looked at"; };
    groups.off = { subnet = throw "a disabled group was looked at"; it.config = throw "its guest was looked at"; };
    groups.lab = {
      enable = true;
      subnet = "10.77.3.0/24";
      disabled = {
        enable = false;
        config = throw "a disabled guest was looked at";
        tree = throw "a disabled tree was looked at";
        after = throw "a disabled order was looked at";
        ports = throw "disabled ports were looked at";
        gpu = throw "a disabled gpu was looked at";
      };
      it.tree = "/var/lib/machines/debian";
    };
  };
}
