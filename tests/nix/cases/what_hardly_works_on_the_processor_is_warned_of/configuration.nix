{
  kernelcore.containers.ml = {
    enable = true;
    # It waits for a package, which is told elsewhere.
    comfyui.enable = true;
    vllm = { enable = true; model = "Qwen/Qwen2.5-1.5B-Instruct"; };
    ollama.enable = true;
  };
}
