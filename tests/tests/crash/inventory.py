"""Everything of ctr on this host, as lines that are the same whenever the host is the same."""

import hashlib
import json
import os
import re
import stat
import subprocess

# Where files of ctr stand, or what a bind made.
TREES = ["/run/ctr", "/run/ctr-journal", "/run/netns", "/var/lib/ctr", "/var/log/journal", "/srv/crash", "/nix/var/nix/gcroots"]
# Names of these are looked at, and no more.
NAMES = ["/run/systemd/machines", "/run/systemd/transient", "/run/systemd/system.control"]
# Directories that all containers share.
SHARED = re.compile(r"/run/ctr/[a-z]+|/var/lib/ctr/[.]secrets|/nix/var/nix/gcroots/ctr")
# A small file's content is part of the line, by its digest.
SMALL = 65536


def output(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def parsed(*words):
    text = output(*words)
    return json.loads(text) if text.strip() else []


def digest(content):
    return hashlib.sha256(content).hexdigest()[:12]


def files(shallow):
    """Kind, mode, owner, size and content of every file. Below `shallow` a guest writes by itself."""
    for tree in TREES:
        yield from walk(tree, shallow)


def walk(path, shallow):
    """What is removed while it is looked at is not there: whoever waits for something looks again."""
    try:
        yield from found_at(path, shallow)
    except FileNotFoundError:
        return


def found_at(path, shallow):
    found = os.lstat(path)
    mode = stat.S_IMODE(found.st_mode)
    owner = f"{found.st_uid}:{found.st_gid}"
    if stat.S_ISDIR(found.st_mode):
        if SHARED.fullmatch(path) and not os.listdir(path):
            # Made by whoever needs it first, and it holds nothing.
            return
        yield f"file {path}/ {mode:o} {owner}"
        # What is mounted there is in the list of mounts; a journal is the guest's.
        mounted = path.startswith("/run/ctr/") and os.path.ismount(path)
        seen = path.startswith("/var/log/journal/") or (mounted and not path.startswith("/run/ctr/dev/"))
        if seen or any(re.fullmatch(pattern, path) for pattern in shallow):
            return
        for name in sorted(os.listdir(path)):
            yield from walk(f"{path}/{name}", shallow)
    elif stat.S_ISLNK(found.st_mode):
        yield f"file {path} -> {os.readlink(path)} {owner}"
    elif stat.S_ISREG(found.st_mode):
        content = "not read"
        # Made at random, once for each container.
        is_random = path.endswith(("/token", "/.digest-key"))
        if not is_random and found.st_size <= SMALL and not path.startswith("/run/netns/"):
            with open(path, "rb") as file:
                content = digest(file.read())
        attributes = [
            f"{name}={digest(os.getxattr(path, name))}"
            for name in sorted(os.listxattr(path))
            if not name.startswith("trusted.overlay.")
        ]
        yield f"file {path} {mode:o} {owner} {found.st_size} {content} {' '.join(attributes)}".rstrip()
    else:
        yield f"file {path} other {mode:o} {owner} {os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"


def names():
    for directory in NAMES:
        for path, directories, found in os.walk(directory):
            for name in directories + found:
                # machined links a unit to its machine as well, and knows guests by what they are.
                if re.search(r"ctr-|^(lab|red|blue|old|new)-", name):
                    yield f"name {path}/{name}"


def links():
    yield from interfaces("host", ["ip"])
    for name in sorted(os.listdir("/run/netns")) if os.path.isdir("/run/netns") else []:
        inside = ["ip", "-n", name]
        yield from interfaces(name, inside)
        for route in parsed(*inside, "-j", "route"):
            yield f"route {name} {route.get('dst')} {route.get('gateway', '')} {route.get('dev')}"


def interfaces(place, ip):
    for link in parsed(*ip, "-j", "-d", "address"):
        if not link:
            continue
        kind = link.get("linkinfo", {}).get("info_kind", "")
        if place == "host" and kind not in ("bridge", "veth"):
            continue
        addresses = [f"{it['local']}/{it['prefixlen']}" for it in link.get("addr_info", []) if it["family"] == "inet"]
        parts = [
            f"link {place} {link['ifname']} {kind}",
            f"alias={link.get('ifalias')}",
            f"group={link.get('group')}",
            f"mac={link.get('address')}",
            f"in={link.get('master')}",
            f"up={'UP' in link.get('flags', [])}",
            f"names={','.join(sorted(link.get('altnames', [])))}",
            f"addresses={','.join(sorted(addresses))}",
        ]
        yield " ".join(parts)


def tables():
    for entry in parsed("nft", "-j", "list", "ruleset").get("nftables", []):
        for kind, object in entry.items():
            if kind == "metainfo":
                continue
            object.pop("handle", None)
            object.pop("index", None)
            for element in sorted(json.dumps(it, sort_keys=True) for it in object.pop("elem", [])):
                yield f"element {object.get('family')} {object.get('table')} {object.get('name')} {element}"
            text = json.dumps({kind: object}, sort_keys=True)
            yield "table " + re.sub(r'"(packets|bytes)": \d+', r'"\1": 0', text)


def mounts():
    with open("/proc/self/mountinfo") as table:
        for line in table:
            before, after = line.split(" - ")
            words = before.split(" ")
            target = words[4]
            if re.match(r"/run/(ctr|netns)|/var/lib/ctr|/srv/crash", target):
                root = re.sub(r"net:\[\d+\]", "net", words[3])
                yield f"mount {target} {after.split(' ')[0]} {root} {words[5]}"


def units():
    listed = output("systemctl", "list-units", "--all", "--plain", "--no-legend", "ctr-*", "machine-ctr*")
    for line in listed.splitlines():
        words = line.split()
        # An empty one is systemd's memory of a name.
        if words[1] != "not-found":
            yield "unit " + " ".join(words[:4])
    for line in output("systemctl", "list-jobs", "--plain", "--no-legend").splitlines():
        yield "job " + " ".join(line.split()[1:])


def devices():
    """What the control group of a guest with devices lets it open, and what it has in its /dev."""
    for machine in sorted(os.listdir("/run/ctr/dev")) if os.path.isdir("/run/ctr/dev") else []:
        allowed = output("systemctl", "show", "--property", "DeviceAllow", f"ctr-{machine}.service")
        yield from (f"allowed {machine} {line}" for line in sorted(allowed.split("\n")))
        leader = output("machinectl", "show", "--property", "Leader", "--value", machine).strip()
        for name in sorted(os.listdir(f"/run/ctr/dev/{machine}")) if leader else []:
            path = "/dev/" + name.replace("!", "/")
            try:
                found = os.stat(f"/proc/{leader}/root{path}", follow_symlinks=False)
            except FileNotFoundError:
                continue
            yield f"device {machine} {path} {os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"


def inventory(shallow):
    """All lines, sorted."""
    lines = []
    for part in (files(shallow), names(), links(), tables(), mounts(), units(), devices()):
        lines.extend(part)
    return sorted(lines)
