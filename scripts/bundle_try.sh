#!/bin/sh
# `make bundle-try`: a bare Debian (debootstrap --variant=minbase), no network, the bundle alone: does it install, serve, find
# a first letter, stay as it is when called again, become a newer release and go back? As root; needs debootstrap.
#
#   sh scripts/bundle_try.sh [BUNDLE.tar]      without one: the bundle of the commit, made anew
set -eu

cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "bundle-try: root is needed (chroot, a network namespace)" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "bundle-try: apt-get install debootstrap" >&2; exit 1; }

room=$(mktemp -d /var/tmp/ged-bundle-try.XXXXXX)
trap 'rm -rf "$room"' EXIT
trap 'exit 130' INT TERM
began=$(date +%s)
told() { printf '%4d s  %s\n' $(($(date +%s) - began)) "$*"; }

bundle=${1:-}
if [ -z "$bundle" ]; then
    bundle=$(.venv/bin/python scripts/bundle.py --out "$room")
    told "bundle: $(du -h "$bundle" | cut -f1)"
fi

# The archive that this machine is configured for.
# shellcheck source=/dev/null
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
# shellcheck disable=SC2016 # apt's own variables
mirror=$(apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(REPO_URI)' "Created-By: Packages" | sed -n "s/^$suite main //p" | head -n 1)
root=$room/root
debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$room/debootstrap.log" 2>&1 || { tail "$room/debootstrap.log"; exit 1; }
told "bare Debian: $(du -sh "$root" | cut -f1)"

mkdir "$root/root/bundle" "$root/old"
tar --extract --file "$bundle" --directory "$root/root/bundle" --strip-components 1 --no-same-owner
key=''
if [ -r "${bundle%.tar}.key.gpg" ]; then
    cp "${bundle%.tar}.key.gpg" "$root/root/key.gpg"
    key='--key /root/key.gpg'
fi
printf 'address=https://courrier.ministere.example\ndata=/srv/ged/data\n' >"$root/root/answers"
# Not a chroot: the kernel refuses user namespaces there, and the readers of outside files shut themselves in by them.
cat >"$root/root/inside" <<'INSIDE'
mount -t proc proc /proc
umount -l /old
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /dev
mknod -m 666 /dev/null c 1 3; mknod -m 666 /dev/zero c 1 5; mknod -m 666 /dev/full c 1 7
mknod -m 666 /dev/random c 1 8; mknod -m 666 /dev/urandom c 1 9
ln -s /proc/self/fd /dev/fd
mkdir -m 1777 /dev/shm
exec "$@"
INSIDE
inside() {
    # shellcheck disable=SC2016 # expanded inside
    unshare --net --mount --pid --fork --uts --ipc sh -eu -c '
        ip link set lo up
        mount --bind "$0" "$0"
        cd "$0"
        pivot_root . old
        exec chroot . /usr/bin/env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 sh -eu /root/inside "$@"
    ' "$root" "$@"
}

inside sh -c "[ \"\$(ls /sys/class/net)\" = lo ] && cd /root/bundle && sh install.sh $key --answers /root/answers"
told "installed"
# shellcheck disable=SC2016 # expanded inside
inside sh -c 'touch /root/mark; sleep 1; cd /root/bundle && sh install.sh --answers /root/answers >/root/again.log
    changed=$(find /etc /opt /usr /srv -newer /root/mark ! -type d ! -path "/etc/ld.so.cache" ! -name "*.sqlite3*" ! -type l)
    [ -z "$changed" ] || { echo "a second call changed: $changed"; exit 1; }'
told "called again: nothing changed"
inside sh -c 'systemd-analyze verify /etc/systemd/system/ged-*.service && cd /root/bundle && sh try.sh'
told "first letter found"
inside sh -c 'cd /root/bundle && echo 9.9.9-next >VERSION && sed -i "/  VERSION$/d" SHA256SUMS && sha256sum VERSION >>SHA256SUMS &&
    sh install.sh --answers /root/answers >/dev/null && readlink /opt/ged/current && sh install.sh --back && readlink /opt/ged/current && ged migrate'
told "a newer release, and back"
