{
  kernelcore.containers.ml = {
    enable = true;
    subnet = "10.77.0.0/22";
    hostOffset = 1;
    whisper.config = { };
    here = { config = { }; offset = 300; };
  };
}
