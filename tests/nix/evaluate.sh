#!/usr/bin/env bash
# One host's configuration, evaluated like those of the tests: what evaluate.nix has of it, as JSON.
#
#   tests/nix/evaluate.sh CONFIGURATION ATTRIBUTE
#
#   NIXPKGS_LIB   the `lib` of a nixpkgs to evaluate with, in place of that of NixOS 22.11

set -euo pipefail
configuration=$(realpath "$1") attribute=$2
cd "$(dirname "${BASH_SOURCE[0]}")"
here=$PWD

fail() { printf '%s: %s\n' "$1" "$2" >&2; }
end() { exit 1; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Nix wants a place for its state, and nothing is kept there: --eval writes nothing to the store.
export NIX_STATE_DIR=$scratch/state NIX_LOG_DIR=$scratch/log NIX_PATH= NIX_REMOTE=
if ! command -v nix-instantiate >/dev/null; then
    fail "nix-instantiate is missing" "apt-get install nix-bin, or install Nix"
    end
fi
unset CTR_NIX_ALL
. ./libraries.sh
nix-instantiate --eval --strict --json "$here/evaluate.nix" \
    --argstr lib "${libraries[0]}" --arg configuration "$configuration" -A "$attribute"
