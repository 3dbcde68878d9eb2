# shellcheck shell=bash
# Brings the client programs' own libraries into a folder beside the build, once
# for each set of pins. Sourced by tests/run.sh from the root of the repository.

# What can't be had here is left out; the tests name themselves as not run.
set_up_clients() {
    local clients=${CARGO_TARGET_DIR:-target}/clients
    if has_program python-dev; then
        set_up_once "$clients/python" requirements.txt install_from_pypi
    fi
    if has_program npm; then
        set_up_once "$clients/node" package-lock.json install_from_npm
    fi
}

# The copy of the pins is the last to get there, and so says that all the rest is.
set_up_once() {
    local folder=$1 pins=tests/clients/$2
    cmp -s "$pins" "$folder/$2" && return
    printf 'Setting up client programs in %s\n' "$folder" >&2
    if rm -rf "$folder" && mkdir -p "$folder" && "$3" "$folder" >&2; then
        cp "$pins" "$folder"
    else
        printf 'Client programs could not be set up in %s\n' "$folder" >&2
    fi
}

install_from_pypi() {
    python3 -m venv "$1" &&
        "$1/bin/pip" install --quiet --disable-pip-version-check --requirement tests/clients/requirements.txt
}

# Builds the native part here: its ready-made one would come from elsewhere.
install_from_npm() {
    local include
    include=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")/include
    if [[ -e $include/node/node_api.h ]]; then
        export npm_config_nodedir=${include%/include}
    fi
    mkdir "$1/build" && cp tests/clients/package{,-lock}.json "$1/build" &&
        npm_config_build_from_source=true npm ci --prefix "$1/build" --no-audit --no-fund &&
        NODE_PATH=$1/build/node_modules node -e 'require("kerberos")' &&
        mv "$1/build/node_modules" "$1"
}
