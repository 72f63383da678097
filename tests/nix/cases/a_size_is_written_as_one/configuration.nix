{ kernelcore.containers.groups.lab = { enable = true; subnet = "10.77.3.0/24"; web = { config = { }; limits.memoryMax = "8 GB"; }; }; }
