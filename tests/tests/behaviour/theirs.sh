# What somebody else has on the host: tables (one as Docker makes it), links, namespaces, units and a
# machine. Some stand where a declaration of these tests wants to be.
set -e
nft -f - <<'END'
table ip theirs {
    set ports { type inet_service; elements = { 1, 2 }; }
    chain DOCKER { }
    chain FORWARD { type filter hook forward priority 0; policy accept; jump DOCKER; }
    chain OUTPUT { type filter hook output priority 0; policy accept; tcp dport 18099 drop; }
}
table bridge theirs {
    chain input { type filter hook input priority 0; policy accept; }
}
END
ip link add br-bridge type bridge
ip link add docker0 type bridge
ip address add 10.77.4.1/32 dev docker0
ip link add veth-a type veth peer name veth-b
ip link set veth-a master docker0
ip link add theirs0 type bridge
ip address add 10.77.5.200/25 dev theirs0
ip link set theirs0 up
ip netns add theirs
ip netns add ctr-red-netns
systemd-run --quiet --unit=ctr-theirs sleep infinity
systemd-run --quiet --unit=ctr-red-unit sleep infinity
systemd-run --quiet --unit=their-machine systemd-nspawn --quiet --keep-unit \
    --machine=red-machine --directory=/var/lib/machines/debian --read-only sleep infinity
