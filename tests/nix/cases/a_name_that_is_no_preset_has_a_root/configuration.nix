{
  kernelcore.containers.ml = { enable = true; olama.enable = true; whisper.autoStart = false; };
  kernelcore.containers.groups.lab = { enable = true; subnet = "10.77.3.0/24"; web.offset = 20; };
}
