# What people who develop in a guest find in it, besides Python: `pkgs` -> packages.
pkgs:

[
  pkgs.nodejs
  pkgs.go
  pkgs.rustc
  pkgs.cargo
  pkgs.gcc
  pkgs.gnumake

  pkgs.git
  pkgs.curl
  pkgs.wget
  pkgs.neovim
  pkgs.tmux
  pkgs.ripgrep
  pkgs.fd
  pkgs.jq
  pkgs.htop
]
# It came in 2024.
++ (if pkgs ? uv then [ pkgs.uv ] else [ ])
