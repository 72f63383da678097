# Adds to the store of nixos-store.sh a system for each line "MACHINE PORT…" of standard input: a STAND-IN for
# what the NixOS module has evaluated, whose services answer every request on these ports with "200 OK". To be
# read by bash.
set -eu
cd /nix/store
# The probe of a database is a command of it.
rm -f aaaa-debian/usr/bin/psql && cp aaaa-debian/usr/bin/true aaaa-debian/usr/bin/psql
while read -r machine ports; do
    system=eeee-nixos-system-$machine
    cp -a bbbb-nixos-system-web $system
    sed -i "s/bbbb/eeee/; s/nixos-system-web/nixos-system-$machine/g" $system/init
    # Before the guest's own systemd takes over.
    sed -i '/^exec /d' $system/init
    cat >>$system/init <<'INIT'
serve() {
    printf '[Socket]\nListenStream=0.0.0.0:%s\nAccept=yes\n' $1 >/etc/systemd/system/answer-$1.socket
    printf '[Service]\nStandardInput=socket\nExecStart=/bin/sh -c "read request; printf \\"HTTP/1.0 200 OK\\\\r\\\\n\\\\r\\\\n\\""\n' \
        >/etc/systemd/system/answer-$1@.service
    mkdir -p /etc/systemd/system/sockets.target.wants
    link ../answer-$1.socket /etc/systemd/system/sockets.target.wants/answer-$1.socket
}
INIT
    # What the probe of the database asks for besides.
    if [[ $machine == dev-postgres ]]; then
        cat >>$system/init <<'INIT'
printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n' \
    >/etc/systemd/system/postgresql-password.service
mkdir -p /etc/systemd/system/multi-user.target.wants
link ../postgresql-password.service /etc/systemd/system/multi-user.target.wants/postgresql-password.service
INIT
    fi
    for port in $ports; do echo "serve $port" >>$system/init; done
    echo 'exec /usr/lib/systemd/systemd "$@"' >>$system/init
done
