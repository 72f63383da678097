{ kernelcore.containers.ml = { enable = true; ollama = { enable = true; port = 70000; }; }; }
