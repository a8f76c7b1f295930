#!/bin/sh
# `make bundle-systemd`: the bundle under a real systemd. A bare Debian boots in a container without network; the bundle installs
# there; then services are stopped, frozen and killed, the machine is started anew, and a newer release takes over while a
# client asks all the time. As root; needs debootstrap and systemd-container.
#
#   sh scripts/systemd_try.sh [BUNDLE.tar]      without one: the bundle of the commit, made anew
set -eu

cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "bundle-systemd: root is needed (a container)" >&2; exit 1; }
for program in debootstrap systemd-nspawn curl nsenter; do
    command -v $program >/dev/null || { echo "bundle-systemd: apt-get install debootstrap systemd-container curl" >&2; exit 1; }
done

room=$(mktemp -d /var/tmp/ged-systemd-try.XXXXXX)
root=$room/root
machine=ged-try-$$
container=''
first=0
asking=''
leave() {
    code=$?
    trap - EXIT
    [ -z "$asking" ] || kill "$asking" 2>/dev/null || true
    [ -z "$container" ] || off
    rm -rf "$room"
    exit "$code"
}
trap leave EXIT
trap 'exit 130' INT TERM
began=$(date +%s)
told() { printf '%4d s  %s\n' $(($(date +%s) - began)) "$*"; }
die() {
    printf 'bundle-systemd: %s\n' "$*" >&2
    inside journalctl --no-pager --lines 60 --unit 'ged-*' >&2 || true
    exit 1
}

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
debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus "$suite" "$root" "$mirror" >"$room/debootstrap.log" 2>&1 ||
    { tail "$room/debootstrap.log"; exit 1; }
mkdir "$root/root/bundle"
tar --extract --file "$bundle" --directory "$root/root/bundle" --strip-components 1 --no-same-owner
printf 'address=https://courrier.ministere.example\ndata=/srv/ged/data\n' >"$root/root/answers"

off() {
    [ "$first" = 0 ] || kill -KILL "$first" 2>/dev/null || true # its first process: all others end with it
    wait "$container" 2>/dev/null || true
    container=''
    sleep 3 # until the kernel has ended all below it
}
boot() {
    systemd-nspawn --quiet --directory "$root" --boot --register=no --keep-unit --private-network --machine="$machine" \
        </dev/null >"$room/console.log" 2>&1 &
    container=$!
    for _ in $(seq 60); do
        sleep 1
        first=$(pgrep --parent "$container" | head -n 1) || continue
        case $(inside systemctl is-system-running 2>/dev/null) in running | degraded) return 0 ;; esac
    done
    tail -n 20 "$room/console.log" >&2
    die "the container did not start"
}
inside() {
    nsenter --target "$first" --mount --uts --ipc --net --pid --cgroup --root --wd \
        env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"
}
# The code of an answer, through the proxy with TLS.
asked() {
    nsenter --target "$first" --net curl --silent --insecure --max-time 10 --output /dev/null --write-out '%{http_code}' \
        --resolve courrier.ministere.example:443:127.0.0.1 "https://courrier.ministere.example$1" || true
}
of_codes() {
    awk '$1 !~ /^[23]/ { lost++ } was && $2 - was > most { most = $2 - was } { was = $2 } END {
        printf "of %d requests %d were refused; the slowest took %.1f s", NR, lost, most / 1e9 }' "$room/codes"
}
# seconds until the site answers, at most $1
answers_within() {
    from=$(date +%s)
    while [ $(($(date +%s) - from)) -le "$1" ]; do
        [ "$(asked /connexion)" != 200 ] || { echo $(($(date +%s) - from)); return 0; }
        sleep 0.2
    done
    return 1
}
of() { inside systemctl show --property "$2" --value "$1"; }
active() {
    for unit in ged-site ged-worker nginx; do
        for _ in $(seq 60); do
            [ "$(of $unit ActiveState)" != active ] || continue 2
            sleep 1
        done
        die "$unit is $(of $unit ActiveState)"
    done
}

boot
told "a bare Debian runs: $(inside systemctl --version | head -n 1)"
inside sh -c 'cd /root/bundle && sh install.sh --answers /root/answers' >"$room/install.log" 2>&1 || { tail -n 30 "$room/install.log"; die "not installed"; }
active
[ "$(inside systemctl is-system-running)" = running ] || die "a unit failed: $(inside systemctl --failed --no-legend)"
[ "$(asked /connexion)" = 200 ] || die "the sign-in answers $(asked /connexion)"
told "installed: site, worker and proxy run; $(inside systemctl list-timers 'ged-*' --no-legend | wc -l) timer of ours waits"
# 1: warnings, as on every new machine; 2: faults
inside ged doctor >"$room/doctor.log" 2>&1 || [ $? = 1 ] || { grep -v '^\(ok\|-\) ' "$room/doctor.log" || true; die "ged doctor is red"; }
told "ged doctor: $(tail -n 1 "$room/doctor.log")"
[ "$(inside stat -c %a /etc/ged/ged.env)" != 644 ] || die "the settings can be read by all"
# shellcheck disable=SC2016 # expanded inside
inside sh -c 'tr "\0" "\n" </proc/$(systemctl show --property MainPID --value ged-site)/environ' | grep -q '^GED_ENV_FILE=/run/credentials/' ||
    die "the settings do not come as a credential"
inside systemd-analyze security ged-site ged-worker --no-pager | grep '^ *ged-.*service' | sed 's/^ */        exposure: /'

main=$(of ged-worker MainPID)
inside systemctl kill --kill-whom=main --signal=KILL ged-worker
sleep 1
active
[ "$(of ged-worker MainPID)" != "$main" ] || die "a killed worker was not started again"
told "a killed worker was started again"
inside systemctl kill --kill-whom=all --signal=KILL ged-site
sleep 1
told "a killed site answered again after $(answers_within 60 || die "a killed site stays away") s"
# Frozen whole: it tells nothing any more, and nobody but the watchdog sees it.
inside systemctl kill --kill-whom=all --signal=STOP ged-site
told "a frozen site answered again after $(answers_within 200 || die "a frozen site stays away") s (watchdog: $(of ged-site WatchdogUSec))"

off
boot
told "after the power was cut the machine was started: the site answered after $(answers_within 120 || die "not after a power cut") s"
active
inside ged verify >"$room/verify.log" 2>&1 || { tail -n 5 "$room/verify.log"; die "ged verify is red"; }

# Copies on two media, then a newer release, while somebody asks.
# shellcheck disable=SC2016 # expanded inside
inside sh -euc 'install -d -o ged -g ged /srv/copies /srv/keys
    key=$(ged backup keygen --to /srv/keys/private.key | grep -o "age1[0-9a-z]*" | head -n 1)
    [ -n "$key" ]
    printf "GED_BACKUP_TO=/srv/copies\nGED_BACKUP_RECIPIENTS=[\"%s\"]\nGED_BACKUP_KEYS_TO=/srv/keys\n" "$key" >>/etc/ged/ged.env
    cd /root/bundle && sh install.sh --answers /root/answers' >"$room/copies.log" 2>&1 || { tail -n 20 "$room/copies.log"; die "no copies"; }
told "copies: $(inside systemctl list-timers ged-backup.timer --no-legend | wc -l) timer waits for the night"
inside sh -c 'cd /root/bundle && echo 9.9.9-next >VERSION && sed -i "/  VERSION$/d" SHA256SUMS && sha256sum VERSION >>SHA256SUMS'
: >"$room/codes"
# Not the sign-in page: the proxy limits it.
while :; do echo "$(asked /) $(date +%s%N)" >>"$room/codes"; sleep 0.2; done &
asking=$!
inside sh -c 'cd /root/bundle && sh install.sh --upgrade --answers /root/answers' >"$room/upgrade.log" 2>&1 || { tail -n 30 "$room/upgrade.log"; die "not upgraded"; }
case $(inside readlink /opt/ged/current) in *9.9.9-next*) ;; *) die "the release before still serves" ;; esac
active
told "ged upgrade: $(of_codes)"
inside /opt/ged/current/bin/ged upgrade --back >"$room/back.log" 2>&1 || { tail -n 30 "$room/back.log"; die "not back"; }
case $(inside readlink /opt/ged/current) in *9.9.9-next*) die "the newer release still serves" ;; esac
active
told "and back: $(of_codes)"
kill "$asking"
wait "$asking" 2>/dev/null || true
asking=''
inside sh -c 'cd /root/bundle && sh try.sh' >"$room/try.log" 2>&1 || { tail -n 20 "$room/try.log"; die "no first letter"; }
told "first letter found"
