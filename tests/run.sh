#!/usr/bin/env bash
# Runs every test; arguments go to `cargo test`. What could not run is named at
# the end, and is a failure where CI is set.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=examples/programs.sh
source examples/programs.sh

case ${1:-} in
    --help | -h)
        cat <<'END'
Usage: tests/run.sh [NAME] [arguments of cargo test]

Installs the programs that are missing, with apt-get, and runs every test, or
those with NAME in their name.
END
        exit
        ;;
esac

ensure_rust
ensure_programs "${BUILD_PROGRAMS[@]}" "${SERVER_PROGRAMS[@]}" browser

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
free_slapd_of_apparmor "$scratch"

if browser=$(find_browser); then
    export TOWER_SPNEGO_CHROMIUM="${TOWER_SPNEGO_CHROMIUM:-$browser}"
elif [[ -z ${TOWER_SPNEGO_CHROMIUM:-} ]]; then
    export TOWER_SPNEGO_SKIP_CHROMIUM=1
fi

status=0
cargo test --all-features --locked --no-fail-fast "$@" 2>&1 | tee "$scratch/log" || status=$?

not_run() {
    if [[ -n ${TOWER_SPNEGO_SKIP_CHROMIUM:-} ]]; then
        echo 'not run: sign-in with Chromium: no browser is here that can read temporary folders (a snap can not)'
        grep -o 'not run: .*' "$scratch/log" | grep -vi chromium || true
    else
        grep -o 'not run: .*' "$scratch/log" || true
    fi
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
