{ kernelcore.containers.groups.lab = { enable = true; web.config = { }; }; }
