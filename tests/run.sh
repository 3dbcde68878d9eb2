#!/usr/bin/env bash
# Runs every test; arguments go to `cargo test`. What could not run is named at
# the end, and is a failure where CI is set.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=examples/programs.sh
source examples/programs.sh
# shellcheck source=tests/clients/set_up.sh
source tests/clients/set_up.sh

case ${1:-} in
    --help | -h)
        cat <<'END'
Usage: tests/run.sh [NAME] [arguments of cargo test]

Installs the programs that are missing, with apt-get, and client libraries from
PyPI and npm into the build folder; then runs every test, or those with NAME in
their name.
END
        exit
        ;;
esac

ensure_rust
ensure_programs "${BUILD_PROGRAMS[@]}" "${SERVER_PROGRAMS[@]}" "${CLIENT_PROGRAMS[@]}"
set_up_clients

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
free_slapd_of_apparmor "$scratch"

# choose_browser CHROMIUM|FIREFOX PROGRAM: the one that the tests use, or that they skip it.
choose_browser() {
    local variable=TOWER_SPNEGO_$1
    if [[ -z ${!variable:-} ]]; then
        if [[ -n $2 ]]; then
            export "$variable=$2"
        else
            export "TOWER_SPNEGO_SKIP_$1=1"
        fi
    fi
}
choose_browser CHROMIUM "$(find_browser)"
choose_browser FIREFOX "$(find_firefox)"

status=0
cargo test --all-features --locked --no-fail-fast "$@" 2>&1 | tee "$scratch/log" || status=$?

not_run() {
    local name skip
    for name in Chromium Firefox; do
        skip=TOWER_SPNEGO_SKIP_${name^^}
        if [[ -n ${!skip:-} ]]; then
            printf 'not run: sign-in with %s: skipped, or none is here that can read temporary folders (a snap can not)\n' "$name"
        fi
    done
    grep -o 'not run: .*' "$scratch/log" | grep -v TOWER_SPNEGO_SKIP_ || true
    sed -nE -e 's/^test (.*) \.\.\. ignored, /not run: \1: /p' \
        -e 's/^test (.*) \.\.\. ignored$/not run: \1: marked as ignored/p' "$scratch/log"
}

skipped=$(not_run | sort -u)
if [[ -n $skipped ]]; then
    printf '\n%s\n' "$skipped"
    if [[ -n ${CI:-} && $status -eq 0 ]]; then
        echo 'CI is set, so tests that did not run are a failure.'
        status=1
    fi
fi
exit "$status"
