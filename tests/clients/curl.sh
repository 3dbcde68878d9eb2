#!/bin/sh
# curl: as report.py, asks for a URL some times in one run, with cookies.
set -eu
url=$1 times=$2
set --
while [ $# -lt "$times" ]; do
    set -- "$@" "$url"
done
curl --disable --silent --show-error --negotiate --user : --cookie '' \
    --write-out '\nstatus %{http_code} %{exitcode}\n' "$@" |
    awk '
        $1 == "status" && $3 == 0 { print "answer", $2, line }
        $1 == "status" && $3 != 0 { print "failed", "curl-" $3 }
        $1 == "status" { line = ""; next }
        line == "" { line = $0 }
    '
