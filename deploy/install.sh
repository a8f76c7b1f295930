#!/bin/sh
# Installs GED from this bundle, without network, on the Debian that PLATFORM names. Called as root; called again, it
# changes nothing that is right, and a newer bundle becomes the new release.
#
#   sh install.sh [--key RELEASER.gpg]      five questions (Enter keeps the last answer)
#   sh install.sh --answers FILE            no question: the file's answers (lines NAME=VALUE, see answers.example)
#   sh install.sh --upgrade [--no-backup]   the release comes while people work (`ged upgrade`): copy, one service after another
#   sh install.sh --finish                  the new release stays: the database forgets the one before
#   sh install.sh --back                    back to the release before, until --finish
set -eu
umask 077

here=$(cd "$(dirname "$0")" && pwd)
# Only the tests set another root: everything is then written below it.
R=${GED_INSTALL_ROOT:-}
releases=$R/opt/ged/releases
current=$R/opt/ged/current
previous=$R/opt/ged/previous
settings_dir=$R/etc/ged
settings=$settings_dir/ged.env
# What only this script and the proxy read stays root's: the service's account owns the folder of its settings.
state=$R/etc/ged-install
answers=$state/answers
tls=$state/tls
account=ged

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
die() {
    printf '\ninstall.sh: %s\n' "$*" >&2
    exit 1
}

# --- what was given ------------------------------------------------------------------------------------------------

mode=install key='' given='' copy=''
while [ $# -gt 0 ]; do
    case $1 in
    --answers | --key)
        [ $# -ge 2 ] || die "$1 : donnez un fichier"
        [ -r "$2" ] || die "$1 : $2 ne se lit pas"
        if [ "$1" = --key ]; then key=$(readlink -f "$2"); else given=$(readlink -f "$2"); fi
        shift
        ;;
    --back) mode=back ;;
    --upgrade) mode=upgrade ;;
    --no-backup) copy=--no-backup ;;
    --finish) mode=finish ;;
    -h | --help)
        sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *) die "option inconnue : $1 (--help)" ;;
    esac
    shift
done
[ -n "$R" ] || [ "$(id -u)" = 0 ] || die "à appeler en tant que root"

# --- small tools ---------------------------------------------------------------------------------------------------

runs_systemd() { [ -z "$R" ] && [ -d /run/systemd/system ]; }

# As the service's account, which never is root: what it makes belongs to it.
as_ged() {
    command=$1
    shift
    (cd / && setpriv --reuid="$account" --regid="$account" --init-groups -- \
        env -i PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 HOME=/nonexistent GED_ENV_FILE="$settings" "$command" "$@")
}

# put FILE MODE: standard input becomes the file, only where it differs.
put() {
    mkdir -p "$(dirname "$1")"
    cat >"$1.new"
    if [ -e "$1" ] && cmp -s "$1" "$1.new"; then
        rm "$1.new"
        chmod "$2" "$1"
        return 0
    fi
    chmod "$2" "$1.new"
    mv "$1.new" "$1"
    say "   écrit : $1"
}

# folder MODE PATH: a folder that others need to enter; those above it too.
folder() {
    (umask 022 && mkdir -p "$2")
    chmod "$1" "$2"
}

setting_of() { sed -n "s/^$1=//p" "$settings" | tail -n 1; }

# set_setting NAME VALUE: one line of the settings; without a value it goes.
set_setting() {
    [ "$(setting_of "$1")" != "$2" ] || return 0
    {
        sed "/^$1=/d" "$settings"
        [ -z "$2" ] || printf '%s=%s\n' "$1" "$2"
    } >"$scratch/settings"
    chmod 600 "$scratch/settings"
    chown "$account:$account" "$scratch/settings"
    mv "$scratch/settings" "$settings"
    say "   réglage : $1"
}

link_to() {
    ln -sfn "$1" "$2.new"
    mv -T "$2.new" "$2"
}

services() {
    if [ -n "${database:-}" ] && [ "$database" != embarquee ]; then
        say "ged-site.service ged-worker@quick:desk.service ged-worker@files:upkeep.service ged-worker@slow.service ged-worker@backlog.service"
    else
        say "ged-site.service ged-worker.service"
    fi
}

# Workers of an earlier layout, and of the other shape: they would go on beside those of this one. What somebody added under a
# name of its own stays.
retired() {
    lanes="ged-worker@quick:desk.service ged-worker@files:upkeep.service ged-worker@slow.service ged-worker@backlog.service"
    if [ -n "${database:-}" ] && [ "$database" != embarquee ]; then lanes=ged-worker.service; fi
    say "ged-worker@slow:backlog.service $lanes"
}

retire_services() {
    for unit in $(retired); do systemctl disable --quiet --now "$unit" 2>/dev/null || true; done
}

stop_services() {
    runs_systemd || return 0
    systemctl stop 'ged-site.service' 'ged-worker.service' 'ged-worker@*.service' 2>/dev/null || true
}

# Units of commands that this release has: an older release has no `ged backup`.
has_command() { "$current/bin/ged" "$1" --help >/dev/null 2>&1; }

start_services() {
    # shellcheck disable=SC2046 # names of units, without blanks
    if runs_systemd; then
        systemctl daemon-reload
        systemctl enable --quiet nginx $(services)
        systemctl restart $(services)
        retire_services
        systemctl reload-or-restart nginx
        if has_command doctor; then systemctl enable --quiet --now ged-doctor.timer; fi
        # Where the worker calls it (GED_BACKUP_AT), no timer does.
        if [ -n "$(setting_of GED_BACKUP_TO)" ] && [ -z "$(setting_of GED_BACKUP_AT)" ]; then
            systemctl enable --quiet --now ged-backup.timer
        else
            systemctl disable --quiet --now ged-backup.timer
        fi
        return 0
    fi
    # shellcheck disable=SC2046 # names of units, without blanks
    if [ -z "$R" ] && command -v systemctl >/dev/null; then systemctl enable --quiet nginx $(services) || true; fi
    say "systemd ne tourne pas ici. Au démarrage de la machine, ou maintenant :"
    say "   systemctl daemon-reload; systemctl restart $(services) nginx"
}

# --- the answers ---------------------------------------------------------------------------------------------------

answer_of() { if [ -r "$1" ]; then sed -n "s/^$2=//p" "$1" | tail -n 1; fi; }

# ask NAME DEFAULT TEXT...: sets the variable NAME, from the file given, else from the person.
ask() {
    name=$1 default=$2
    shift 2
    last=$(answer_of "$answers" "$name")
    [ -z "$last" ] || default=$last
    if [ -n "$given" ]; then
        value=$(answer_of "$given" "$name")
    else
        printf '\n' >&2
        for line in "$@"; do printf '%s\n' "$line" >&2; done
        printf '[%s] ' "$default" >&2
        read -r value || value=
    fi
    value=${value:-$default}
    # They become lines of settings and of units: nothing that would be read there as more than itself.
    case $value in
    *[!A-Za-z0-9._:/@,+?\&=%~é-]*) die "$name : « $value » contient un signe qui n'y a pas sa place (dans une adresse : %XX)" ;;
    esac
    eval "$name=\$value"
}

# The variables that `ask` sets.
address='' data='' database='' redis='' elasticsearch='' elasticsearch_key='' certificate='' sender='' smtp=''

ask_everything() {
    step "Cinq questions (Entrée garde ce qui est entre crochets)"
    ask address "https://courrier.$(hostname -d 2>/dev/null | grep . || echo ministere.example)" \
        "1. Adresse du site, telle que les agents la taperont"
    ask data /srv/ged/data "2. Dossier des données (sur un disque chiffré, avec de la place)"
    ask database embarquee "3. Base : « embarquee », ou l'adresse de PostgreSQL (postgresql+psycopg://compte:mot@hote/base)"
    case $database in embarqu*) database=embarquee ;; esac
    if [ "$database" != embarquee ]; then
        ask redis '' "   Avec PostgreSQL : l'adresse de Redis (rediss://:mot@hote:6379/0)"
        ask elasticsearch '' "   et celle d'Elasticsearch (https://hote:9200)"
        ask elasticsearch_key '' "   et sa clé d'accès (API key)"
    fi
    ask certificate autorite "4. Certificat : « autorite » (une autorité faite ici), ou CERTIFICAT.pem,CLE.pem"
    case $certificate in autorit*) certificate=autorite ;; esac
    ask sender aucun "5. Adresse d'envoi des courriels (ged@ministere.example), ou « aucun »"
    if [ "$sender" != aucun ]; then
        ask smtp smtp://127.0.0.1:25 "   Serveur d'envoi (smtp://compte:mot@hote:587)"
    fi
}

check_answers() {
    address=${address%/}
    case $address in
    https://*/* | *@*) die "address : https://nom, sans chemin" ;;
    https://?*) ;;
    *) die "address : https://nom" ;;
    esac
    host=${address#https://}
    port=443
    case $host in
    *:*) port=${host##*:} host=${host%:*} ;;
    esac
    case $host in *[!A-Za-z0-9.-]* | '') die "address : $host n'est pas un nom de machine" ;; esac
    case $port in *[!0-9]* | '') die "address : $port n'est pas un port" ;; esac
    case $data in
    /usr* | /opt* | /etc* | /bin* | /lib* | /proc* | /run* | /tmp* | /var/tmp* | /home* | /root* | / | *..* | *[!A-Za-z0-9._/-]*)
        die "data : choisissez un dossier à part, comme /srv/ged/data"
        ;;
    /*/*) ;;
    *) die "data : un chemin entier, comme /srv/ged/data" ;;
    esac
    data=${data%/}
    case $database in
    embarquee) ;;
    postgresql+psycopg://?*)
        if [ -z "$redis" ] || [ -z "$elasticsearch" ]; then
            die "database : PostgreSQL va avec Redis et Elasticsearch (redis, elasticsearch)"
        fi
        ;;
    *) die "database : « embarquee » ou postgresql+psycopg://…" ;;
    esac
    case $certificate in
    autorite) ;;
    /*,/*)
        for one in "${certificate%,*}" "${certificate#*,}"; do [ -r "$one" ] || die "certificate : $one ne se lit pas"; done
        ;;
    *) die "certificate : « autorite », ou /chemin/certificat.pem,/chemin/cle.pem" ;;
    esac
    case $sender in
    aucun | ?*@?*) ;;
    *) die "sender : une adresse, ou « aucun »" ;;
    esac
    if [ -e "$settings" ] && [ "$(setting_of GED_DATA_DIR)" != "$R$data" ]; then
        die "data : l'installation est dans $(setting_of GED_DATA_DIR). Un déménagement se fait à la main : arrêter, copier, changer GED_DATA_DIR et GED_KEYRING"
    fi
}

keep_answers() {
    {
        say "# Les réponses données à install.sh ; la prochaine fois, ce qu'il propose."
        for name in address data database redis elasticsearch elasticsearch_key certificate sender smtp; do
            eval "value=\${$name:-}"
            printf '%s=%s\n' "$name" "$value"
        done
    } | put "$answers" 600
}

# --- the bundle ----------------------------------------------------------------------------------------------------

verify_bundle() {
    step "Le paquet est-il entier ?"
    cd "$here"
    if [ -n "$key" ]; then
        [ -r SHA256SUMS.sig ] || die "ce paquet n'est pas signé (SHA256SUMS.sig manque)"
        gpgv --quiet --keyring "$key" SHA256SUMS.sig SHA256SUMS || die "la signature n'est pas celle de $key : n'installez pas"
        say "   signature : bonne"
    else
        say "   signature : non vérifiée (--key CLE.gpg la vérifie)"
    fi
    sha256sum --check --quiet --strict SHA256SUMS || die "des fichiers ne sont pas ceux du paquet : copiez-le de nouveau"
    # A file that nobody summed would be a way in.
    more=$(find . -type f ! -name SHA256SUMS ! -name SHA256SUMS.sig | sed 's|^\./||' | sort |
        comm -13 "$(cut -c67- SHA256SUMS | sort >"$scratch/summed" && echo "$scratch/summed")" -)
    [ -z "$more" ] || die "des fichiers ne sont pas du paquet : $more"
    say "   $(wc -l <SHA256SUMS) fichiers : entiers"
    version=$(cat VERSION)
    cd /
}

check_platform() {
    # shellcheck source=/dev/null
    have="$(. "$R/etc/os-release" && printf '%s %s' "$ID" "${VERSION_ID:-}") $(dpkg --print-architecture)"
    case "$(cat "$here/PLATFORM") " in
    "$have "*) ;;
    *) die "ce paquet est pour $(cat "$here/PLATFORM"), cette machine est $have" ;;
    esac
}

install_debian() {
    step "Paquets de Debian, du paquet seul"
    mkdir -p "$scratch/lists/partial" "$scratch/archives/partial"
    # The sums of the bundle stand for the archive's signature: they cover every package and the index.
    say "deb [trusted=yes] file:$here/debs ./" >"$scratch/sources.list"
    apt() {
        DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get --quiet --quiet -o Dir::Etc::sourcelist="$scratch/sources.list" \
            -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$scratch/lists" -o Dir::Cache="$scratch" \
            -o APT::Sandbox::User=root -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 "$@"
    }
    apt update
    # shellcheck disable=SC2046 # names of packages
    apt install --yes --no-install-recommends $(cat "$here/packages.txt") >"$scratch/apt.log" 2>&1 || {
        tail -n 30 "$scratch/apt.log" >&2
        die "apt a échoué"
    }
    say "   $(wc -l <"$here/packages.txt") paquets demandés : là"
}

make_account() {
    getent passwd "$account" >/dev/null || useradd --system --user-group --home-dir /nonexistent --no-create-home \
        --shell /usr/sbin/nologin "$account"
}

# The release lies beside the one that runs.
put_release() {
    step "Programme $version"
    folder 755 "$releases"
    target=$releases/$version
    if [ ! -e "$target/.whole" ]; then
        rm -rf "$target"
        (
            umask 022
            python3 -m venv "$target"
            "$target/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-cache-dir \
                --find-links "$here/wheels" --require-hashes --requirement "$here/requirements.txt"
            # The scanner of a training installation stands on this machine. The bundle's sums cover the wheel.
            "$target/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-cache-dir \
                --find-links "$here/bridge" python-sane
            cp -R "$here/deploy" "$target/deploy"
            cp "$here/try.sh" "$here/install.sh" "$target/deploy/"
            : >"$target/.whole"
        )
        say "   installé dans $target"
    fi
}

install_release() {
    put_release
    if [ -L "$current" ] && [ "$(readlink -f "$current")" != "$(readlink -f "$target")" ]; then
        stop_services
        say "   la version d'avant reste dans $(readlink -f "$current") (install.sh --back)"
        # What an earlier update left open is closed by the release that left it. After --back it is the other's.
        [ -e "$state/went-back" ] || as_ged "$current/bin/ged" migrate --finish
        link_to "$(readlink -f "$current")" "$previous"
        rm -f "$state/finished" "$state/went-back"
    fi
    link_to "$target" "$current"
    for one in "$releases"/*; do
        [ "$one" = "$target" ] || [ "$(readlink -f "$one")" = "$(readlink -f "$previous")" ] || rm -rf "$one"
    done
    # Administrators call `ged`; it runs as the service's account, so that its files stay that account's.
    put "$R/usr/local/bin/ged" 755 <"$target/deploy/ged"
}

# --- the installation ----------------------------------------------------------------------------------------------

write_settings() {
    step "Réglages"
    parent=$(dirname "$R$data")
    if [ ! -d "$parent" ]; then
        folder 755 "$parent"
        # The service makes folders beside its data: the keyring, a training installation.
        chown "$account:$account" "$parent"
    fi
    if [ ! -e "$settings" ]; then
        (cd / && "$current/bin/ged" init --production --data "$R$data" 2>/dev/null)
        chown -R "$account:$account" "$R$data"
    fi
    # The account's, as its commands read them. The services get a copy from systemd, and see the folder read-only.
    chown "$account:$account" "$settings_dir"
    chown -h "$account:$account" "$settings"
    chmod 700 "$settings_dir"
    set_setting GED_PUBLIC_URL "$address"
    set_setting GED_PROXIES 1
    if [ "$database" = embarquee ]; then
        set_setting GED_DATABASE_URL ''
    else
        set_setting GED_DATABASE_URL "$database"
    fi
    set_setting GED_REDIS_URL "$redis"
    set_setting GED_ELASTICSEARCH_URL "$elasticsearch"
    set_setting GED_ELASTICSEARCH_API_KEY "$elasticsearch_key"
    set_setting GED_SMTP_URL "$smtp"
    if [ "$sender" = aucun ]; then set_setting GED_MAIL_FROM ''; else set_setting GED_MAIL_FROM "$sender"; fi
    keyring=$(setting_of GED_KEYRING)
    if [ -n "$keyring" ] && [ ! -d "$keyring" ]; then
        mkdir -p "$keyring"
        chown "$account:$account" "$keyring"
    fi
}

migrate() {
    step "Base de données"
    # Only a first installation has no release to go back to.
    if [ -L "$previous" ] && [ ! -e "$state/finished" ]; then
        as_ged "$current/bin/ged" migrate
    else
        as_ged "$current/bin/ged" migrate --finish
        [ -e "$state/finished" ] || : >"$state/finished"
    fi
}

# The authority signs for this one name: on the agents' machines it can vouch for nothing else.
make_certificate() {
    step "Certificat"
    folder 700 "$state"
    folder 700 "$tls"
    if [ "$certificate" != autorite ]; then
        chain=${certificate%,*} chain_key=${certificate#*,}
        openssl x509 -in "$chain" -noout -checkend 0 >/dev/null || die "certificate : $chain est échu"
        say "   $chain"
        return 0
    fi
    chain=$tls/site.pem chain_key=$tls/site.key
    case $host in
    *[!0-9.]*) name=DNS:$host permitted=DNS:$host ;;
    *) name=IP:$host permitted=IP:$host/255.255.255.255 ;;
    esac
    if [ ! -e "$tls/authority.pem" ] || [ "$(cat "$tls/host" 2>/dev/null)" != "$host" ]; then
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -keyout "$tls/authority.key" \
            -out "$tls/authority.pem" -subj "/CN=GED $host $(date +%Y)" -addext "nameConstraints=critical,permitted;$permitted" \
            -addext "keyUsage=critical,keyCertSign,cRLSign" 2>"$scratch/openssl.log" || die "$(cat "$scratch/openssl.log")"
        rm -f "$chain"
        printf '%s\n' "$host" >"$tls/host"
        say "   autorité : $tls/authority.pem, à mettre sur les postes des agents"
    fi
    # Renewed by any later call, three months before its end.
    if [ ! -e "$chain" ] || ! openssl x509 -in "$chain" -noout -checkend 7776000 >/dev/null; then
        {
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$chain_key" -out "$scratch/site.csr" -subj "/CN=$host"
            printf 'subjectAltName=%s\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n' \
                "$name" >"$scratch/site.ext"
            openssl x509 -req -in "$scratch/site.csr" -CA "$tls/authority.pem" -CAkey "$tls/authority.key" -days 800 \
                -set_serial "0x$(openssl rand -hex 16)" -extfile "$scratch/site.ext" -out "$chain"
        } 2>"$scratch/openssl.log" || die "$(cat "$scratch/openssl.log")"
        say "   certificat de $host, jusqu'au $(openssl x509 -in "$chain" -noout -enddate | cut -d= -f2)"
    fi
}

write_nginx() {
    step "Serveur web"
    most=$(setting_of GED_MAX_UPLOAD_BYTES)
    # The other fields of a form come with the file.
    most=$((${most:-200000000} + 1000000))
    sed -e "s|@HOST@|$host|g; s|@PORT@|$port|g; s|@ADDRESS@|$address|g; s|@CHAIN@|$chain|g; s|@KEY@|$chain_key|g" \
        -e "s|@MOST@|$most|g; s|@UPSTREAM@|127.0.0.1:8000|g" "$current/deploy/nginx/ged.conf.in" |
        put "$R/etc/nginx/sites-available/ged" 644
    folder 755 "$R/etc/nginx/sites-enabled"
    link_to ../sites-available/ged "$R/etc/nginx/sites-enabled/ged"
    # Debian's own example would answer for names that nobody gave us.
    if [ "$(readlink "$R/etc/nginx/sites-enabled/default")" = /etc/nginx/sites-available/default ]; then
        rm "$R/etc/nginx/sites-enabled/default"
    fi
    folder 755 "$R/var/lib/nginx/ged"
    nginx -t -q || die "nginx refuse $R/etc/nginx/sites-available/ged"
}

write_units() {
    step "Services"
    for source in "$current"/deploy/systemd/*; do
        unit=$(basename "$source")
        put "$R/etc/systemd/system/$unit" 644 <"$source"
    done
    # The folders of this installation; the rest of the system is read-only for the services.
    written="$R$data${keyring:+ $keyring}"
    # The media of copies may be away when a service starts.
    for name in GED_BACKUP_TO GED_BACKUP_KEYS_TO; do
        medium=$(setting_of "$name")
        # A bucket (s3://…) is no folder.
        case $medium in /*) written="$written -$medium" ;; esac
    done
    for unit in ged-site ged-worker ged-worker@ ged-doctor ged-backup; do
        unit=$unit.service
        printf '[Unit]\nRequiresMountsFor=%s\n[Service]\nReadWritePaths=%s\n' "$R$data" "$written" |
            put "$R/etc/systemd/system/$unit.d/10-data.conf" 644
    done
    put "$R/etc/systemd/journald.conf.d/ged.conf" 644 <"$current/deploy/journald.conf"
    put "$R/etc/logrotate.d/ged" 644 <"$current/deploy/logrotate"
}

farewell() {
    step "GED $version est installé"
    say "Réglages (à sauvegarder à part, avec le trousseau) : $settings"
    say "Reste à faire :"
    [ "$certificate" != autorite ] || say " - mettre $tls/authority.pem sur les postes des agents, ou installer un certificat reconnu"
    say " - ged account first NOM      le premier compte, puis $address"
    say " - ged pki init …             l'autorité des signatures (docs/keys.md)"
    [ -n "$(setting_of GED_BACKUP_TO)" ] || say " - GED_BACKUP_TO …            les sauvegardes (docs/backup.md), puis de nouveau install.sh"
    say " - sh try.sh                  une première lettre, dans une installation d'essai à côté"
    [ ! -L "$previous" ] || [ -e "$state/finished" ] || say " - sh install.sh --finish     quand la nouvelle version a fait ses preuves"
    if has_command doctor && runs_systemd; then
        say ""
        ged doctor || true
    fi
}

# --- the ways ------------------------------------------------------------------------------------------------------

go_back() {
    [ -L "$previous" ] || die "il n'y a pas de version d'avant"
    [ ! -e "$state/finished" ] || die "la base a oublié la version d'avant (--finish) : seule une sauvegarde y ramène"
    database=$(answer_of "$answers" database)
    stop_services
    now=$(readlink -f "$previous") was=$(readlink -f "$current")
    link_to "$now" "$current"
    link_to "$was" "$previous"
    : >"$state/went-back"
    step "Version $(basename "$now") ; $(basename "$was") reste là"
    start_services
}

upgrade() {
    [ -L "$current" ] || die "rien n'est installé : sans --upgrade d'abord"
    runs_systemd || die "systemd ne tourne pas ici : sans --upgrade"
    install_debian
    put_release
    step "Mise à jour"
    # shellcheck disable=SC2086 # an option or nothing
    "$target/bin/ged" upgrade $copy || die "$(basename "$(readlink -f "$current")") sert toujours"
    put "$R/usr/local/bin/ged" 755 <"$target/deploy/ged"
    data=$(setting_of GED_DATA_DIR) data=${data#"$R"} keyring=$(setting_of GED_KEYRING)
    write_units
    systemctl daemon-reload
    # The new release may share the lanes out in another way. The settings say which shape it is: the answers may be gone.
    case $(setting_of GED_DATABASE_URL) in postgresql*) database=serveur ;; *) database=embarquee ;; esac
    # shellcheck disable=SC2046 # names of units, without blanks
    systemctl enable --quiet --now $(services)
    retire_services
    say "   à clore quand elle a fait ses preuves : sh install.sh --finish ; le retour : --back"
}

finish() {
    [ -L "$current" ] || die "rien n'est installé"
    database=$(answer_of "$answers" database)
    as_ged "$current/bin/ged" migrate --finish
    : >"$state/finished"
}

case $mode in
back)
    go_back
    exit 0
    ;;
finish)
    finish
    exit 0
    ;;
esac

folder 700 "$state"
scratch=$(mktemp -d "$R/var/tmp/ged-install.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
verify_bundle
check_platform
if [ "$mode" = upgrade ]; then
    upgrade
    exit 0
fi
ask_everything
check_answers
install_debian
make_account
install_release
write_settings
keep_answers
migrate
make_certificate
write_nginx
write_units
start_services
farewell
