#!/bin/sh
# THE recipe for Asterisk: a minimal Debian root file system with Asterisk in it, unpacked into the folder TARGET.
# Shared by the embedded Asterisk (app/asterisk/install.py) and by docker/asterisk/Dockerfile.
#
# usage: install.sh TARGET          TARGET must not exist yet, or be an empty folder
#   DEBIAN_MIRROR                   another Debian mirror than the one that mmdebstrap knows (environment, optional)
#   KEYRING                         file with the keys of Debian's archive (environment, optional)
#
# Lines that begin with "callscribe:" tell a person what goes on; all else is mmdebstrap's own output.
# Ends with 0, or with: 2 wrong usage, 3 Asterisk is too old, anything else from mmdebstrap.
set -eu

SUITE=forky
MINIMUM=22.10.1

say() { echo "callscribe: $*"; }

if [ $# -ne 1 ]; then
    echo "usage: $0 TARGET" >&2
    exit 2
fi
target=$1
umask 022 # the unprivileged user that runs Asterisk must be able to read all of it

scratch=$(mktemp -d "${TMPDIR:-/tmp}/callscribe-install.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
log=$scratch/log

# A proxy that the host's apt uses is needed by mmdebstrap's apt too; it does not read the host's apt.conf.
proxy=$(apt-config dump --format '%v%n' Acquire::http::Proxy 2>/dev/null | head -n 1) || proxy=

unpack() { # unpack [MORE_MMDEBSTRAP_OPTIONS...]; the output goes to the log and to the person
    # Set the positional parameters rather than a string: values may have spaces.
    set -- "$@" --variant=minbase --components=main --include=asterisk,asterisk-modules \
        --aptopt='APT::Install-Recommends "false"' \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/info/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*'
    [ -z "$proxy" ] || set -- "$@" --aptopt="Acquire::http::Proxy \"$proxy\""
    [ -z "${KEYRING:-}" ] || set -- "$@" --keyring="$KEYRING"
    # root unpacks in place. Anyone else gets a tar archive from mmdebstrap's user namespace and unpacks that as
    # himself: what mmdebstrap unpacks there belongs to borrowed user ids, and could not be removed again.
    if [ "$(id -u)" -eq 0 ]; then
        set -- "$@" --mode=root --format=directory "$SUITE" "$target"
    else
        set -- "$@" --mode=unshare --format=tar "$SUITE" "$scratch/root.tar"
    fi
    [ -z "${DEBIAN_MIRROR:-}" ] || set -- "$@" "$DEBIAN_MIRROR"
    status=0
    { mmdebstrap "$@" 2>&1 || echo $? >"$scratch/status"; } | tee "$log"
    [ ! -e "$scratch/status" ] || status=$(cat "$scratch/status")
    rm -f "$scratch/status"
    return "$status"
}

# Never unpack over something else.
mkdir -p "$target"
if [ -n "$(ls -A "$target")" ]; then
    echo "callscribe: $target is not empty" >&2
    exit 2
fi

say "unpacking Asterisk and what it needs from Debian $SUITE (280 MB on disk)"
if ! unpack; then
    # A frozen mirror keeps the suite's Release file past its date. Only then: go on without the check of the date.
    # apt still checks the archive's signatures, so what is installed is still Debian's, if perhaps not its newest.
    if ! grep -q 'Release file .* is expired' "$log"; then
        ! grep -q newuidmap "$log" || say "without root this needs: apt-get install uidmap, and ids for you in /etc/subuid"
        say "mmdebstrap failed"
        exit 1
    fi
    say "the mirror's Release file of $SUITE is out of date (a frozen mirror?):" \
        "trying again without the check of its date; signatures are still checked"
    find "$target" -mindepth 1 -delete
    unpack '--aptopt=Acquire::Check-Valid-Until "false"' || {
        status=$?
        say "mmdebstrap failed"
        exit "$status"
    }
fi
if [ -e "$scratch/root.tar" ]; then
    tar --extract --file="$scratch/root.tar" --directory="$target" --no-same-owner --exclude='./dev/*'
fi

# The sounds' folder names are absolute links into /etc/alternatives: without chroot they would point into the host.
sounds=$target/usr/share/asterisk/sounds
for link in en en_US; do
    rm -f "$sounds/$link"
    ln -s en_US_f_Allison "$sounds/$link"
done

version=$(dpkg-query --admindir="$target/var/lib/dpkg" --show --showformat='${Version}' asterisk)
version=${version#*:}  # the epoch
if ! dpkg --compare-versions "$version" ge "$MINIMUM"; then
    say "Debian $SUITE has Asterisk $version, but $MINIMUM or later is needed"
    exit 3
fi
say "Asterisk ${version%%[+~-]*} is unpacked"
