#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=examples/programs.sh
source examples/programs.sh

usage() {
    cat <<'END'
Usage: examples/demo.sh [--once]

Starts a Kerberos realm, an LDAP directory and a protected server in temporary
folders, signs in once, and serves until Ctrl-C. Missing programs are installed
with apt-get.

  --once    end after the first sign-in; the exit status is 0 if it worked
  --help    print this text
END
}

for argument; do
    case $argument in
        --once) ;;
        --help | -h)
            usage
            exit
            ;;
        *)
            printf 'Unknown option: %s\n\n' "$argument" >&2
            usage >&2
            exit 2
            ;;
    esac
done

ensure_rust
ensure_programs "${BUILD_PROGRAMS[@]}" "${SERVER_PROGRAMS[@]}"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
free_slapd_of_apparmor "$scratch"

printf 'Building; the first time takes a minute or two.\n'
# With the features of tests/run.sh, so that neither builds anew what the other has built.
cargo run --quiet --all-features --locked --example demo -- "$@"
