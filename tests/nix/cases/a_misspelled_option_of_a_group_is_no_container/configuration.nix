{ kernelcore.containers.ml = { enable = true; enabel = true; }; }
