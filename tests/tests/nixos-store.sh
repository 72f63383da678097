# Fills /nix/store with the stand-in for NixOS that nixos.rs describes. To be read by bash.
set -eu
mkdir -p /nix/store /nix/var/nix/gcroots && mount -t tmpfs store /nix/store && cd /nix/store
mkdir -p aaaa-debian/usr/share && cd /var/lib/machines/debian
cp -a etc var /nix/store/aaaa-debian/ && cp -a usr/{bin,sbin,lib64} /nix/store/aaaa-debian/usr/
cp -a usr/share/dbus-1 /nix/store/aaaa-debian/usr/share/
tar -c --exclude=postgresql --exclude='python3*' usr/lib | tar -x -C /nix/store/aaaa-debian
cd /nix/store
for system in bbbb cccc dddd; do
    mkdir -p $system-nixos-system-web/bin
    cat >$system-nixos-system-web/init <<'INIT'
#!/nix/store/aaaa-debian/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 /nix/store/aaaa-debian/usr/bin/dash
debian=/nix/store/aaaa-debian
link() { $debian/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 $debian/usr/bin/ln -sfn "$@"; }
for name in bin sbin lib lib64 share; do link $debian/usr/$name /usr/$name; done
for name in bin sbin lib lib64; do link usr/$name /$name; done
unset LD_LIBRARY_PATH
cp -a $debian/etc/. /etc/ 2>/dev/null
cp -a $debian/var/. /var/ 2>/dev/null
echo SYSTEM >/etc/which-system
exec /usr/lib/systemd/systemd "$@"
INIT
    cat >$system-nixos-system-web/bin/switch-to-configuration <<'SWITCH'
#!/bin/sh
test "$1" = test && test "$(id -u)" = 0 || exit 2
echo "activating the configuration..."
echo SYSTEM $$ >>/root/switches
ln -sfn /nix/store/SYSTEM-nixos-system-web /run/current-system
while test -e /root/linger; do sleep 0.1; done
if test -e /root/refuse; then
    printf 'warning: the following units failed: \033[1mweb.service\033[0m\n' >&2
    exit 4
fi
echo SYSTEM >/etc/which-system
echo "finished switching to system configuration SYSTEM" >&2
SWITCH
    sed -i "s/SYSTEM/$system/" $system-nixos-system-web/init
    sed -i "s/SYSTEM/$system/g" $system-nixos-system-web/bin/switch-to-configuration
    chmod +x $system-nixos-system-web/init $system-nixos-system-web/bin/switch-to-configuration
done
