# The containers that come with this module, by group and name. Each has the options that it always had, and all
# of every container's (../container).
{
  ml = {
    ollama = {
      module = ./ollama.nix;
      description = "Ollama: language models behind an API.";
    };
    jupyter = {
      module = ./jupyter.nix;
      description = "JupyterLab, with an environment that has PyTorch.";
    };
    comfyui = {
      module = ./comfyui.nix;
      description = "ComfyUI: image generation. It does not start with the host unless told to.";
    };
    vllm = {
      module = ./vllm.nix;
      description = "vLLM: a language model behind OpenAI's API. It does not start with the host unless told to.";
    };
    localai = {
      module = ./localai.nix;
      description = "An OpenAI-compatible API for local models. It does not start with the host unless told to.";
    };
  };

  dev = {
    dev-ml = {
      module = ./dev-ml.nix;
      description = "JupyterLab with compilers and tools, for development.";
    };
    chat-ui = {
      module = ./chat-ui.nix;
      description = "A chat in the browser, with Ollama's models.";
    };
    code-server = {
      module = ./code-server.nix;
      description = "Visual Studio Code in the browser.";
    };
    proxy = {
      module = ./proxy.nix;
      description = "Caddy, with a route to every service by name.";
    };
    postgres = {
      module = ./postgres.nix;
      description = "PostgreSQL, with its data on the host.";
    };
  };
}
