#!/usr/bin/env bash
# What the NixOS module says, evaluated: with plain Nix and the library of nixpkgs, without a package and without
# NixOS. What only a real NixOS shows is in tests/nixos.
#
#   tests/nix/run.sh [WORD]           the tests whose line has WORD; all of them without
#   tests/nix/run.sh --bless [WORD]   write what is expected, and read it then
#
#   CTRD          ctrd, which has to take what the module writes (default: target/debug/ctrd)
#   NIXPKGS_LIB   the `lib` of a nixpkgs to evaluate with, in place of that of NixOS 22.11
#   CTR_NIX_ALL   1: with both

set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit
here=$PWD
repository=$(cd ../.. && pwd)

bless=
if [[ ${1-} == --bless ]]; then
    bless=1
    shift
fi
word=${1-}

passed=0 failed=0
pass() {
    printf 'PASS %s\n' "$1"
    passed=$((passed + 1))
}
fail() {
    printf 'FAIL %s (%s)\n' "$1" "$2"
    failed=$((failed + 1))
}
# A case is named by its folder, too.
wanted() { [[ $1 == *"$word"* || $1 == *"${word//_/ }"* ]]; }
end() {
    printf '%d passed, %d failed\n' "$passed" "$failed"
    ((failed == 0 && passed > 0))
    exit
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Nix wants a place for its state, and nothing is kept there: --eval writes nothing to the store.
export NIX_STATE_DIR=$scratch/state NIX_LOG_DIR=$scratch/log NIX_PATH= NIX_REMOTE=
export LC_ALL=C.UTF-8
unset NIXPKGS_ALLOW_UNFREE

if ! command -v nix-instantiate >/dev/null; then
    fail "the tools are there" "nix-instantiate is missing: apt-get install nix-bin, or install Nix"
    end
fi
ctrd=${CTRD:-$repository/target/debug/ctrd}
if [[ ! -x $ctrd ]]; then
    fail "the tools are there" "there is no $ctrd: cargo build -p ctrd, or name one with CTRD"
    end
fi

# The text that an expression evaluates to, in $scratch/out; what Nix said otherwise, in $scratch/err.
evaluate() {
    nix-instantiate --eval --strict --json "$@" >"$scratch/json" 2>"$scratch/err" || return
    local json
    json=$(<"$scratch/json")
    json=${json#\"}
    json=${json%\"}
    # What JSON escapes, %b takes back, but for quotes.
    printf '%b\n' "${json//\\\"/\\x22}" >"$scratch/out"
}
trouble() { grep -v nixbld "$scratch/err" | head -n 20; }

# A section of an outcome.
section() { awk -v title="--- $1" '/^--- / { on = ($0 == title); next } on' "$scratch/out"; }

# compare WHAT EXPECTED_FILE ACTUAL_FILE
compare() {
    if [[ -n $bless ]]; then
        cp "$3" "$2"
    fi
    if diff -u --label expected --label evaluated "$2" "$3" >"$scratch/diff" 2>&1; then
        pass "$1"
    else
        fail "$1" "$(printf 'not what is expected:\n%s\n' "$(<"$scratch/diff")")"
    fi
}

. ./libraries.sh
. ./cases.sh

parses() {
    local line="every Nix expression of the repository parses" file bad=
    wanted "$line" || return
    while IFS= read -r -d '' file; do
        nix-instantiate --parse "$file" >/dev/null 2>"$scratch/err" || bad+="$(trouble)"$'\n'
    done < <(find "$repository" -name .git -prune -o -name target -prune -o -name '*.nix' -print0)
    if [[ -z $bad ]]; then pass "$line"; else fail "$line" "$bad"; fi
}

# Files of statements: NAME FILE [NIX ARGUMENTS]
statements() {
    local name=$1 file=$2 line
    shift 2
    if ! evaluate "$here/statements.nix" --arg file "$file" "$@"; then
        fail "$name" "$(trouble)"
        return
    fi
    while IFS= read -r line; do
        wanted "$name: ${line#* }" || continue
        case $line in
        "ok "*) pass "$name: ${line#ok }" ;;
        *) fail "$name: ${line#not }" "it is not so" ;;
        esac
    done <"$scratch/out"
}

parses
for file in pure/*.nix; do
    statements "$(basename "$file" .nix)" "$here/$file"
done

for library in "${libraries[@]}"; do
    with=$(release_of "$library")
    for folder in cases/*/; do
        case_of "$library" "$with" "$(basename "$folder")"
    done
    for file in guests/*.nix hosts/*.nix; do
        # A file that makes no statements is read by those that do.
        if grep -q 'says =' "$file"; then
            statements "$(basename "$(dirname "$file")") $(basename "$file" .nix) ($with)" "$here/$file" --argstr lib "$library"
        fi
    done
    options_reference "$library" "$with"
    figures "$library" "$with"
done
end
