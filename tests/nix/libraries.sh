# The libraries of nixpkgs to evaluate with, in `libraries`. To be read by run.sh.

# The library of NixOS 22.11 comes as test data of a crate: cargo fetches it, and nothing is built.
oldest() {
    local manifest=$here/lib-22.11/Cargo.toml home=${CARGO_HOME:-$HOME/.cargo} found
    found=$(compgen -G "$home/registry/src/*/nixel-5.2.0/tests/inputs/nixpkgs/lib" | head -n 1)
    if [[ -z $found ]]; then
        cargo fetch --quiet --locked --manifest-path "$manifest" >&2 || return
        found=$(compgen -G "$home/registry/src/*/nixel-5.2.0/tests/inputs/nixpkgs/lib" | head -n 1)
    fi
    [[ -n $found ]] && printf '%s\n' "$found"
}

# What a library calls itself in this report.
release_of() {
    if [[ $1 == */nixel-* ]]; then
        echo 22.11
    else
        nix-instantiate --eval --expr "(import $1).trivial.release" 2>/dev/null | tr -d '"' | grep . || echo "another nixpkgs"
    fi
}

libraries=()
if [[ -n ${NIXPKGS_LIB-} ]]; then
    if [[ ! -e $NIXPKGS_LIB/default.nix ]]; then
        fail "a library of nixpkgs is there" "NIXPKGS_LIB=$NIXPKGS_LIB has no default.nix: name the folder \`lib\` of a nixpkgs"
        end
    fi
    libraries+=("$(realpath "$NIXPKGS_LIB")")
fi
if [[ -z ${NIXPKGS_LIB-} || ${CTR_NIX_ALL-} == 1 ]]; then
    if library=$(oldest); then
        libraries+=("$library")
    else
        fail "a library of nixpkgs is there" "cargo could not fetch it (tests/nix/lib-22.11/Cargo.toml): mend that, or name one with NIXPKGS_LIB"
        end
    fi
fi
