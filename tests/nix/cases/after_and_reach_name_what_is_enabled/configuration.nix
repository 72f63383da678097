{
  kernelcore.containers = {
    ml.enable = true;
    dev.postgres.enable = true;
    groups.lab = {
      enable = true;
      subnet = "10.77.3.0/24";
      reach = [ "ml" "ml/ollama" "dev" "labb" "lab/db" "ml/olama" ];
      web = { config = { }; after = [ "lab/dbb" "lab/it" "ml/ollama" "dev/postgres" "db" "lab/web" "nowhere/at-all" ]; };
      db = { config = { }; aliases = [ "it" ]; };
      off = { enable = false; config = { }; };
      last = { config = { }; after = [ "lab/off" ]; };
    };
  };
}
