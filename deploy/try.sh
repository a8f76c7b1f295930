#!/bin/sh
# A first letter beside the installation, with its programs, its proxy's template and its certificate: in, read, found.
# Nothing of the real data is touched; what is made goes at the end. Called as root, at any time:
#
#   sh try.sh            some minutes; 0 when the letter was found
set -eu
umask 077

current=/opt/ged/current
settings=/etc/ged/ged.env
answers=/etc/ged-install/answers
site=127.0.0.1:8018
port=8443

die() {
    printf 'try.sh: %s\n' "$*" >&2
    exit 1
}
[ "$(id -u)" = 0 ] || die "à appeler en tant que root"
if [ ! -x "$current/bin/ged" ] || [ ! -r "$settings" ]; then die "installez d'abord (install.sh)"; fi

answer() { sed -n "s/^$1=//p" "$answers" | tail -n 1; }
host=$(answer address | sed 's|^https://||; s|:.*||')
certificate=$(answer certificate)
if [ "$certificate" = autorite ]; then
    chain=/etc/ged-install/tls/site.pem chain_key=/etc/ged-install/tls/site.key authority=/etc/ged-install/tls/authority.pem
else
    chain=${certificate%,*} chain_key=${certificate#*,} authority=/etc/ssl/certs/ca-certificates.crt
fi

room=$(mktemp -d /var/tmp/ged-try.XXXXXX)
chmod 755 "$room"
started=''
leave() {
    code=$?
    trap - EXIT
    # shellcheck disable=SC2086 # numbers of processes
    for pid in $started; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    [ "$code" = 0 ] || tail -n 20 "$room"/*.log >&2 2>/dev/null || true
    rm -rf "$room"
    exit "$code"
}
trap leave EXIT
trap 'exit 130' INT TERM

mkdir "$room/own" "$room/nginx"
chown ged:ged "$room/own"
data=$room/own/data
url=https://$host:$port

as_ged() {
    cd /
    exec setpriv --reuid=ged --regid=ged --init-groups -- env -i PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 \
        HOME=/nonexistent GED_ENV_FILE="$room/own/data-settings/ged.env" SSL_CERT_FILE="$room/authority.pem" "$@"
}

echo "Une installation d'essai sur $url"
cp "$authority" "$room/authority.pem"
chmod 644 "$room/authority.pem"
(as_ged "$current/bin/python" -m demo.first_letter prepare "$data" "$url")

sed -e "s|@HOST@|$host|g; s|@PORT@|$port|g; s|@ADDRESS@|$url|g; s|@CHAIN@|$chain|g; s|@KEY@|$chain_key|g" \
    -e "s|@MOST@|201000000|g; s|@UPSTREAM@|$site|g; s|/var/log/nginx|$room/nginx|; s|/var/lib/nginx|$room/nginx|" \
    -e 's|listen 80;|listen 127.0.0.1:8081;|; s|listen \[::\]:.*||' "$current/deploy/nginx/ged.conf.in" >"$room/nginx/site.conf"
printf 'daemon off; user www-data; pid %s/pid; error_log %s/errors; events {} http { include /etc/nginx/mime.types; include %s/site.conf; }\n' \
    "$room/nginx" "$room/nginx" "$room/nginx" >"$room/nginx/nginx.conf"
chmod 755 "$room/nginx"

(as_ged "$current/bin/ged" serve --bind "$site" --processes 1) >"$room/site.log" 2>&1 &
started="$started $!"
(as_ged "$current/bin/ged" worker) >"$room/worker.log" 2>&1 &
started="$started $!"
nginx -c "$room/nginx/nginx.conf" >"$room/nginx.log" 2>&1 &
started="$started $!"

(as_ged "$current/bin/python" -m demo.first_letter play "$data" "$url")
echo "Première lettre trouvée."
