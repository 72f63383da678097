# The numbers of the users that the presets' services run as, in their guests.
#
# A bind names its owner by number: a NixOS guest writes /etc/passwd when it activates its system, which is
# after its first mounts. Numbers of nixpkgs' own stay what they are there (nixos/modules/misc/ids.nix). The
# others are where NixOS gives numbers neither to system users by itself (400 to 999) nor to people first
# (from 1000 on).
{
  caddy = 239;
  postgres = 71;

  ollama = 2001;
  jupyter = 2002;
  comfyui = 2003;
  vllm = 2004;
  localai = 2005;
  open-webui = 2006;
  code-server = 2007;
}
