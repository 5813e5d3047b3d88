#!/bin/sh
# Everything that Callscribe needs before its own program can run: Debian packages, a Python environment with the
# locked dependencies, and an unprivileged user for Asterisk. What the program itself can install (Asterisk, models,
# voices) it installs afterwards: `callscribe set-up`. Every step is skipped when its result is already there.
set -eu

checkout=$(cd "$(dirname "$0")/.." && pwd)
venv="$checkout/.venv"
# Package and least version: Debian's signatures vouch for the contents, the version for what we rely on.
packages='python3=3.11 python3-venv=3.11 ca-certificates=20230311 curl=7.88 mmdebstrap=1.3 espeak-ng=1.51 sip-tester=1:3.6 libfst-tools=1.7
pocketsphinx-testdata=0.8 asterisk-core-sounds-en=1.6 asterisk-core-sounds-en-wav=1.6'
user=callscribe
# Texts of recorded speech lie among the documents, which slim images leave out when they install.
texts=/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz

say() { printf '[set-up] %s\n' "$*"; }
fail() { printf '[set-up] %s\n' "$*" >&2; exit 1; }

has_package() { # NAME=LEAST_VERSION
    version=$(dpkg-query --show --showformat='${db:Status-Status} ${Version}' "${1%%=*}" 2>/dev/null) || return 1
    [ "${version%% *}" = installed ] && dpkg --compare-versions "${version#* }" ge "${1#*=}"
}

install_packages() {
    missing=''
    for package in $packages; do
        has_package "$package" || missing="$missing ${package%%=*}"
    done
    [ -e "$texts" ] || missing="$missing asterisk-core-sounds-en"
    [ -n "$missing" ] || { say 'Debian packages: all there'; return; }
    command -v apt-get >/dev/null || fail "this is not a Debian machine; install these yourself:$missing"
    [ "$(id -u)" = 0 ] || fail "these Debian packages are missing; run as root: apt-get install$missing"
    say "Debian packages: installing$missing"
    # A list that cannot be fetched (a third party's) does not matter as long as ours can be installed.
    apt-get -q update || say 'some package lists could not be fetched; going on'
    # shellcheck disable=SC2086 # one word per package
    DEBIAN_FRONTEND=noninteractive apt-get -q install --yes --no-install-recommends --reinstall \
        --option "DPkg::Options::=--path-include=$texts" $missing
    for package in $packages; do
        has_package "$package" || fail "${package%%=*} is older than ${package#*=}, which Callscribe needs"
    done
}

find_python() {
    for python in /usr/bin/python3 python3; do
        if "$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null; then
            return
        fi
    done
    fail 'no Python 3.11 or 3.12 with venv was found; Debian 12 has it as python3 and python3-venv'
}

install_python_packages() {
    stamp="$venv/.locked-$(cat "$checkout/requirements.txt" "$checkout/requirements-set-up.txt" "$checkout/pyproject.toml" |
        sha256sum | cut -c1-16)"
    # The path is part of what is installed (the checkout itself), so a moved checkout is set up anew.
    if [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$checkout" ]; then
        say 'Python packages: all there'
        return
    fi
    find_python
    say "Python packages: installing into $venv (pinned by version and hash)"
    if [ "$("$venv/bin/python" -c 'import sys; print(sys.prefix)' 2>/dev/null)" != "$venv" ]; then
        "$python" -m venv --clear "$venv"
    fi
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
        --requirement "$checkout/requirements-set-up.txt"
    # Packages that come as source only are built with the pinned setuptools, not with one fetched for the build.
    "$venv/bin/uv" pip install --python "$venv/bin/python" --require-hashes --no-build-isolation \
        --requirement "$checkout/requirements.txt"
    "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation --editable "$checkout"
    rm -f "$venv"/.locked-*
    printf '%s\n' "$checkout" >"$stamp"
}

make_user() {
    [ "$(id -u)" = 0 ] || return 0
    id "$user" >/dev/null 2>&1 && return
    say "user $user: making it, Asterisk runs as that user"
    useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$user"
}

install_packages
install_python_packages
make_user
