# shellcheck shell=bash
# Finds the programs that the demo and the tests need, and installs what is
# missing where apt-get can. Sourced by demo.sh, tests/run.sh and .ci/run from
# the root of the repository.

# /usr/sbin, where KDC and slapd live, is on root's PATH only; a fresh rustup
# is on nobody's until the next login.
export PATH="$PATH:/usr/sbin:/sbin:${CARGO_HOME:-${HOME:-}/.cargo}/bin"

# shellcheck disable=SC2034 # read by the scripts that source this file
{
    BUILD_PROGRAMS=(cc pkg-config gssapi-headers libclang)
    SERVER_PROGRAMS=(krb5kdc kdb5_util kadmin.local kinit kvno slapd ldapadd ldapsearch openssl curl)
    # Of the tests alone.
    CLIENT_PROGRAMS=(browser firefox nginx haproxy redis-server postgres python-dev javac go gokrb5 npm ntlm-plug-in samba-ad ldbsearch sasl-gssapi faketime nss-wrapper msktutil adcli dnsmasq host)
}

# The status that says "this machine lacks something", apart from a failure.
readonly EXIT_MISSING=3

# Installs those of the named programs that are missing. Exits where it can't;
# without a client program it goes on, since all but that client's tests can run.
ensure_programs() {
    local program missing=() needed=() clients=()
    for program; do
        has_program "$program" && continue
        missing+=("$program")
        if is_client "$program"; then
            clients+=("$program")
        else
            needed+=("$program")
        fi
    done
    [[ ${#missing[@]} -gt 0 ]] || return 0
    printf 'Missing: %s\n' "${missing[*]}" >&2

    if ! command -v apt-get >/dev/null; then
        [[ ${#needed[@]} -gt 0 ]] || return 0
        explain_other_systems
        exit "$EXIT_MISSING"
    fi

    local as_root=(env)
    if [[ $(id -u) -ne 0 ]]; then
        # Without a terminal sudo can't ask for a password.
        if command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
            as_root=(sudo)
        else
            [[ ${#needed[@]} -gt 0 ]] || return 0
            printf 'Install as root, then start again:\n  apt-get update && apt-get install --no-install-recommends %s\n' \
                "$(packages_of "${missing[@]}" | paste -sd ' ' -)" >&2
            exit "$EXIT_MISSING"
        fi
    fi

    # A third party's broken package source must not be in the way.
    print_and_run "${as_root[@]}" apt-get update --quiet ||
        printf 'apt-get update failed; going on with the package lists that are there\n' >&2
    local packages
    if [[ ${#needed[@]} -gt 0 ]]; then
        mapfile -t packages < <(packages_of "${needed[@]}")
        install_packages "${packages[@]}" || true
    fi
    # Each by itself: one that this system hasn't got must not keep the others away.
    for program in ${clients[@]+"${clients[@]}"}; do
        ! is_browser "$program" || has_debian_browser "$program" || continue
        mapfile -t packages < <(packages_of "$program")
        install_packages "${packages[@]}" || true
    done

    missing=()
    for program in ${needed[@]+"${needed[@]}"}; do
        has_program "$program" || missing+=("$program")
    done
    if [[ ${#missing[@]} -gt 0 ]]; then
        printf 'Still missing after the installation: %s\n' "${missing[*]}" >&2
        exit "$EXIT_MISSING"
    fi
}

is_client() {
    [[ " ${CLIENT_PROGRAMS[*]} " == *" $1 "* ]]
}

ensure_rust() {
    local wanted found
    wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
    if ! command -v cargo >/dev/null || ! found=$(rustc --version | cut -d ' ' -f 2) ||
        ! printf '%s\n' "$wanted" "$found" | sort -V -C; then
        printf 'Rust %s or later is needed, %s is here. Install or update it as https://rustup.rs says, then start again.\n' \
            "$wanted" "${found:-none}" >&2
        exit "$EXIT_MISSING"
    fi
}

find_browser() {
    find_no_snap chromium chromium-browser google-chrome google-chrome-stable
}

find_firefox() {
    find_no_snap firefox-esr firefox
}

# The first of these that can read the tests' temporary folders: a snap can't.
find_no_snap() {
    local name path
    for name; do
        if path=$(command -v "$name") && ! is_snap "$path"; then
            printf '%s\n' "$path"
            return
        fi
    done
    return 1
}

# Ubuntu's AppArmor profile lets /usr/sbin/slapd read its system folders only.
# It goes by the path, so a copy in the given folder is free of it.
free_slapd_of_apparmor() {
    local enabled=/sys/module/apparmor/parameters/enabled
    if [[ -e /etc/apparmor.d/usr.sbin.slapd && -r $enabled && $(<"$enabled") == Y ]]; then
        # Readable for other users, since some tests run as nobody.
        chmod 755 "$1"
        cp "$(command -v slapd)" "$1/slapd"
        export TOWER_SPNEGO_SLAPD=$1/slapd
    fi
}

has_program() {
    case $1 in
        gssapi-headers) pkg-config --exists mit-krb5-gssapi 2>/dev/null ;;
        libclang) has_libclang ;;
        browser) find_browser >/dev/null ;;
        firefox) find_firefox >/dev/null ;;
        ntlm-plug-in) any_file '/usr/lib/*/gssntlmssp/gssntlmssp.so' '/usr/lib*/gssntlmssp/gssntlmssp.so' ;;
        samba-ad) has_samba_ad ;;
        nss-wrapper) any_file '/usr/lib/*/libnss_wrapper.so' '/usr/lib*/libnss_wrapper.so' ;;
        sasl-gssapi) any_file '/usr/lib/*/sasl2/libgssapiv2.so' '/usr/lib*/sasl2/libgssapiv2.so' ;;
        postgres) any_file '/usr/lib/postgresql/*/bin/initdb' || command -v initdb >/dev/null ;;
        python-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
        python-dev) has_program python-venv && has_python_headers ;;
        gokrb5) [[ -d /usr/share/gocode/src/github.com/jcmturner/gokrb5/v8 ]] ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

has_libclang() {
    if [[ -n ${LIBCLANG_PATH:-} ]]; then
        [[ -f $LIBCLANG_PATH ]] || compgen -G "$LIBCLANG_PATH/libclang[.-]*" >/dev/null
        return
    fi
    # The library alone, Debian's libclang1, lacks the headers that bindgen needs.
    any_file '/usr/lib/llvm-*/lib/libclang[.-]*so*' '/usr/lib*/libclang[.-]*so*' \
        '/usr/lib/*/libclang[.-]*so*' '/usr/local/lib*/libclang[.-]*so*' &&
        any_file '/usr/lib/llvm-*/lib/clang/*/include/stddef.h' \
            '/usr/lib*/clang/*/include/stddef.h' '/usr/local/lib*/clang/*/include/stddef.h'
}

has_python_headers() {
    python3 -c 'import os, sysconfig; os.stat(sysconfig.get_path("include") + "/Python.h")' 2>/dev/null
}

has_samba_ad() {
    command -v samba >/dev/null && command -v samba-tool >/dev/null &&
        any_file /usr/share/samba/setup/provision.ldif && any_file '/usr/lib*/*/samba/ldb/samba_dsdb.so'
}

any_file() {
    local pattern
    for pattern; do
        if compgen -G "$pattern" >/dev/null; then
            return
        fi
    done
    return 1
}

is_snap() {
    case $(readlink -f "$1") in
        /snap/* | */bin/snap) return 0 ;;
    esac
    # Ubuntu's chromium-browser and firefox are scripts that start the snap.
    head -c 4096 "$1" | grep -aq /snap/bin/
}

is_browser() {
    [[ $1 == browser || $1 == firefox ]]
}

# On Ubuntu the package only stands for the snap, or there is none.
has_debian_browser() {
    local name package
    name=$(packages_of "$1")
    package=$(apt-cache show --no-all-versions "$name" 2>/dev/null) &&
        [[ $package == *"Package: $name"* && $package != *snapd* && $package != *[Tt]ransitional* ]]
}

packages_of() {
    local program
    for program; do
        case $program in
            cc) echo build-essential ;;
            gssapi-headers) echo libkrb5-dev ;;
            libclang) echo libclang-dev ;;
            krb5kdc | kdb5_util) echo krb5-kdc ;;
            kadmin.local) echo krb5-admin-server ;;
            kinit | kvno) echo krb5-user ;;
            ldapadd | ldapsearch) echo ldap-utils ;;
            browser) echo chromium ;;
            firefox) echo firefox-esr ;;
            nginx) echo nginx-light ;;
            postgres) echo postgresql ;;
            ntlm-plug-in) echo gss-ntlmssp ;;
            python-venv) echo python3-venv ;;
            python-dev) printf '%s\n' python3-dev python3-venv ;;
            javac) echo default-jdk-headless ;;
            go) echo golang-go ;;
            samba-ad) printf '%s\n' samba samba-ad-dc samba-ad-provision samba-dsdb-modules winbind ;;
            dnsmasq) echo dnsmasq-base ;;
            host) echo bind9-host ;;
            ldbsearch) echo ldb-tools ;;
            nss-wrapper) echo libnss-wrapper ;;
            sasl-gssapi) echo libsasl2-modules-gssapi-mit ;;
            gokrb5) echo golang-github-jcmturner-gokrb5.v8-dev ;;
            *) echo "$program" ;;
        esac
    done | sort -u
}

# Reads `as_root` of its caller. None of the packages' services is started, now
# or at the next boot: the demo and the tests start their own.
install_packages() {
    printf '+ %s\n' "${as_root[*]} DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends $*"
    # shellcheck disable=SC2016 # the inner shell expands it
    "${as_root[@]}" bash -euc '
        export DEBIAN_FRONTEND=noninteractive
        policy=/usr/sbin/policy-rc.d
        if [[ ! -e $policy ]]; then
            trap "rm -f $policy" EXIT
            printf "#!/bin/sh\nexit 101\n" >$policy
            chmod 755 $policy
        fi
        # A service that was here before, such as a file server, stays as it was.
        is_here() {
            [[ -e /lib/systemd/system/$1.service || -e /etc/init.d/$1 ]]
        }
        new=()
        for service in slapd krb5-kdc krb5-admin-server nginx haproxy redis-server postgresql smbd nmbd samba-ad-dc winbind; do
            is_here $service || new+=($service)
        done
        apt-get install --yes --quiet --no-install-recommends "$@"
        for service in "${new[@]}"; do
            if is_here $service && command -v systemctl >/dev/null; then
                systemctl disable --quiet $service
            fi
        done
    ' install_packages "$@"
}

print_and_run() {
    printf '+ %s\n' "$*"
    "$@"
}

explain_other_systems() {
    cat >&2 <<END
This needs Linux with MIT Kerberos and OpenLDAP, client and server, and libclang.
They are installed for you where apt-get is; elsewhere install them yourself, or
start again in a Debian container:
  docker run --rm -it -v "$PWD:/tower-spnego" -w /tower-spnego rust:1-bookworm bash
END
}
