# Cases: a host's configuration, and what has to come of it. To be read by run.sh.
#
# cases/<sentence>/configuration.nix and one of
#   expected.toml   the declaration, which ctrd takes; with warnings.txt, what is warned of beside
#   problems.txt    what a rebuild is refused with, a line for each; with ctrd.txt, what ctrd itself says to the
#                   same declaration (without the file it has no objection)
#   error.txt       what Nix says where a value cannot be read at all: pieces of its message, a line for each

case_of() {
    local library=$1 with=$2 name=$3
    local folder=$here/cases/$name line="${name//_/ } ($with)"
    local arguments=("$here/evaluate.nix" --argstr lib "$library" --arg configuration "$folder/configuration.nix")
    wanted "$line" || return

    if [[ -e $folder/error.txt ]]; then
        error_of "$line" "$folder" "${arguments[@]}"
        return
    fi
    if ! evaluate "${arguments[@]}" -A "$(sed -n 's/^# Evaluated: \(.*\)$/\1/p' "$folder/configuration.nix" | grep . || echo outcome)"; then
        fail "$line" "$(trouble)"
        return
    fi
    if [[ -n $(section unlike) ]]; then
        fail "$line" "$(section unlike)"
        return
    fi

    section problems >"$scratch/problems"
    section warnings >"$scratch/warnings"
    section declaration >"$scratch/containers.toml"
    # The text ends with a line of its own.
    sed -i '$ { /^$/ d }' "$scratch/containers.toml"
    : >"$scratch/ctrd"
    if [[ -s $scratch/containers.toml ]]; then
        "$ctrd" check "$scratch/containers.toml" >"$scratch/ctrd.out" 2>&1
        grep -E '^(error|warning)' "$scratch/ctrd.out" >"$scratch/ctrd"
    fi

    if [[ -s $scratch/problems ]]; then
        [[ -e $folder/expected.toml ]] && { fail "$line" "$(<"$scratch/problems")"; return; }
        expect "$line" "$folder/ctrd.txt" "$scratch/ctrd" quietly &&
            compare "$line" "$folder/problems.txt" "$scratch/problems"
    elif [[ -e $folder/problems.txt ]]; then
        fail "$line" "nobody objects"
    elif [[ -s $scratch/ctrd ]]; then
        fail "$line" "ctrd objects: $(<"$scratch/ctrd.out")"
    else
        expect "$line" "$folder/warnings.txt" "$scratch/warnings" quietly &&
            compare "$line" "$folder/expected.toml" "$scratch/containers.toml"
    fi
}

# A file that is there only where it has something to say.
expect() {
    if [[ -n $bless ]]; then
        if [[ -s $3 ]]; then cp "$3" "$2"; else rm -f "$2"; fi
    fi
    local expected=$2
    [[ -e $expected ]] || expected=/dev/null
    diff -u --label "$(basename "$2")" --label evaluated "$expected" "$3" >"$scratch/diff" && return
    fail "$1" "$(<"$scratch/diff")"
    return 1
}

error_of() {
    local line=$1 folder=$2 piece
    shift 2
    if evaluate "$@" -A outcome; then
        fail "$line" "it is taken"
        return
    fi
    while IFS= read -r piece; do
        if ! grep -qF -- "$piece" "$scratch/err"; then
            fail "$line" "Nix does not say: $piece. It says: $(trouble)"
            return
        fi
    done <"$folder/error.txt"
    pass "$line"
}

# The reference of options is that of these options. Libraries call types differently: that of 22.11, which
# everybody can have, writes it.
options_reference() {
    local line="docs/reference/options.md is up to date: --bless options writes it ($2)"
    [[ $2 == 22.11 ]] && wanted "$line" || return
    if evaluate "$here/options.nix" --argstr lib "$1"; then
        compare "$line" "$repository/docs/reference/options.md" "$scratch/out"
    else
        fail "$line" "$(trouble)"
    fi
}

# What an evaluation costs. Nothing is asserted of it: the figures are for people.
figures() {
    local name said
    for name in nothing_enabled_declares_nothing everything_the_old_modules_could_say; do
        wanted "${name//_/ }" || continue
        NIX_SHOW_STATS=1 nix-instantiate --eval --strict --json "$here/evaluate.nix" --argstr lib "$1" \
            --arg configuration "$here/cases/$name/configuration.nix" -A declarationText >/dev/null 2>"$scratch/err"
        said=$(tr -d ' ,"' <"$scratch/err" | awk -F: '/^cpuTime/ { time = $2 } /^nrThunks/ { thunks = $2 } /^nrFunctionCalls/ { calls = $2 }
            END { printf "%s s of a processor, %d function calls, %d thunks", time, calls, thunks }')
        printf '     %s (%s): %s\n' "${name//_/ }" "$2" "$said"
    done
}
