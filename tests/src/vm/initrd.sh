# Run by mmdebstrap with the tree as $1, before the kernel's package makes its initrd. Debian's own
# initramfs-tools make it: what a virtual machine needs to find its root, and one step of the lab's.

mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d" \
    "$1/usr/share/initramfs-tools/scripts/local-bottom"

cat >"$1/etc/initramfs-tools/conf.d/lab" <<'END'
MODULES=list
COMPRESS=cat
RESUME=none
END

printf '%s\n' virtio_pci virtio_blk ext4 >"$1/usr/share/initramfs-tools/modules.d/lab"

# What one machine gets of its own lies on its third disk. It is laid over the root once: a machine
# whose power was cut finds what it left.
lay_over=$1/usr/share/initramfs-tools/scripts/local-bottom/lab
cat >"$lay_over" <<'END'
#!/bin/sh
[ "$1" != prereqs ] || exit 0
[ ! -e "${rootmnt}/var/lib/ctr-lab" ] || exit 0
mount -t ext4 -o ro /dev/vdc "${rootmnt}/mnt" &&
    chroot "${rootmnt}" sh -c 'cp --archive /mnt/. / && sync && mkdir /var/lib/ctr-lab && sync' ||
    echo "lab: failed to lay over the root what is on the third disk"
umount "${rootmnt}/mnt"
END
chmod +x "$lay_over"
