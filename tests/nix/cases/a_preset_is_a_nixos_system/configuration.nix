{
  kernelcore.containers.ml = { enable = true; ollama = { enable = true; tree = "/var/lib/machines/debian"; }; };
}
