{ kernelcore.containers.ml = { enable = true; ollama = { enable = true; prot = 1; }; }; }
