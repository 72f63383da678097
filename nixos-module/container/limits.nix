# Bounds on what a container uses.
{ lib, ... }:

let
  inherit (lib) mkOption types;
  size = types.strMatching "[0-9]+[KMGT]?";
  bound = type: example: description: mkOption {
    type = types.nullOr type;
    default = null;
    inherit example description;
  };
in
{
  options.limits = {
    memoryMax = bound size "8G" "The most memory. Above it the kernel ends a process of the guest.";
    memoryHigh = bound size "6G" "Memory above which it is slowed down.";
    cpus = bound (types.either types.ints.positive types.float) 1.5 "How many processors it may use.";
    cpuWeight = bound (types.ints.between 1 10000) 50 "Its share of the processors where they are short: 100 where nothing is said.";
    tasksMax = bound types.ints.positive 4096 "The most processes and threads.";
  };
}
