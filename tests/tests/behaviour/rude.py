"""Clients of the bus that behave badly, each in its own way: rude.py WAY. Each says what it was told."""

import collections
import os
import sys

sys.path.insert(0, "/srv")
from caller import MANAGER, NO_REPLY, SERVICE, WEB, Bus, open_session

TOLD = collections.Counter()


def tell():
    print(*(f"{name}={count}" for name, count in sorted(TOLD.items())), "held", flush=True)
    # Nothing is read or closed until somebody ends this.
    sys.stdin.read()


def read(bus, serials):
    left = set(serials)
    while left:
        answer = bus.receive()
        if answer.serial in left:
            left.remove(answer.serial)
            TOLD[answer.error.rsplit(".", 1)[-1] or "answered"] += 1


def flood():
    """A thousand calls at once, of which nothing is read before all are sent."""
    many = [Bus() for _ in range(10)]
    sent = [[bus.send(MANAGER, SERVICE + ".Manager", "Status") for _ in range(100)] for bus in many]
    for bus, serials in zip(many, sent):
        read(bus, serials)
    tell()


def unread():
    """A thousand calls, of which nothing is ever read."""
    many = [Bus() for _ in range(10)]
    for bus in many:
        for _ in range(100):
            bus.send(MANAGER, SERVICE + ".Manager", "Status")
    TOLD["sent"] = 1000
    tell.many = many
    tell()


def unanswered():
    """As many calls that want no answer, which the bus does not count."""
    bus = Bus()
    for _ in range(20000):
        bus.send(MANAGER, SERVICE + ".Manager", "Plan", "say", ["", b""], flags=NO_REPLY)
    read(bus, [bus.send(WEB, "org.freedesktop.DBus.Peer", "Ping")])
    tell()


def huge():
    """Megabytes where names are expected."""
    text = "a" * (24 * 1024 * 1024)
    calls = [
        (MANAGER, SERVICE + ".Manager", "Plan", "say", [text, b""]),
        (MANAGER, SERVICE + ".Manager", "Plan", "say", ["", text.encode()]),
        (MANAGER, SERVICE + ".Manager", "OpenJournal", "a(ss)a{sv}", [[(text, "web")], {}]),
        (WEB, SERVICE + ".Container", "OpenJournal", "a{sv}", [{"since": ("s", text)}]),
        (WEB, SERVICE + ".Container", "Stop", "s", [text]),
        (WEB, SERVICE + ".Container", "OpenSession", "a{sv}", [{text: ("s", "")}]),
    ]
    many = [Bus() for _ in calls]
    sent = [[bus.send(*call)] for bus, call in zip(many, calls)]
    for bus, serials in zip(many, sent):
        read(bus, serials)
    tell()


def deaf():
    """Listens to everything, and reads nothing."""
    many = [Bus() for _ in range(20)]
    for bus in many:
        bus.listen("type='signal'")
    TOLD["deaf"] = len(many)
    tell.many = many
    tell()


def journals():
    """Opens journals and reads none."""
    bus = Bus()
    kept = []
    for _ in range(12):
        answer = bus.call(WEB, SERVICE + ".Container", "OpenJournal", "a{sv}",
                          [{"follow": ("b", True)}])
        kept.append(answer.descriptors)
        TOLD[answer.error.rsplit(".", 1)[-1] or "answered"] += 1
    tell.kept = kept
    tell()


def journals_closed():
    """Opens journals and closes them at once."""
    bus = Bus()
    for _ in range(100):
        answer = bus.call(WEB, SERVICE + ".Container", "OpenJournal", "a{sv}",
                          [{"follow": ("b", True)}])
        for descriptor in answer.descriptors:
            os.close(descriptor)
        TOLD[answer.error.rsplit(".", 1)[-1] or "answered"] += 1
    tell()


def sessions():
    """Opens sessions and reads none of what they say."""
    bus = Bus()
    kept = []
    for _ in range(20):
        answer, streams = open_session(bus, ["/bin/cat", "/dev/zero"])
        kept.append(streams)
        TOLD[answer.error.rsplit(".", 1)[-1] or "answered"] += 1
    tell.kept = kept
    tell()


def sessions_closed():
    """Opens sessions and closes their streams at once."""
    bus = Bus()
    for _ in range(20):
        answer, (ours, *streams, control) = open_session(bus, ["/bin/cat"])
        for descriptor in streams:
            os.close(descriptor)
        ours.close()
        TOLD[answer.error.rsplit(".", 1)[-1] or "answered"] += 1
    tell()


globals()[sys.argv[1]]()
