"""A client of the bus that can be as rude as it likes: it writes messages itself, and need not read.

D-Bus specification, "Message Protocol": little endian throughout.
"""

import array
import os
import re
import socket
import struct
import sys
import xml.etree.ElementTree

SERVICE = "org.kernelcore.Containers1"
MANAGER = "/org/kernelcore/Containers1"
WEB = MANAGER + "/container/lab/web"
ASK = 0x4
NO_REPLY = 0x1


def align(buffer, to):
    buffer.extend(b"\0" * (-len(buffer) % to))


ALIGNMENT = {"y": 1, "g": 1, "v": 1, "u": 4, "i": 4, "b": 4, "h": 4, "s": 4, "o": 4, "a": 4,
             "t": 8, "(": 8, "{": 8}
NUMBERS = {"y": "<B", "u": "<I", "i": "<i", "b": "<I", "h": "<I", "t": "<Q"}


def single(signature):
    """The first complete type, and the rest."""
    if signature[0] == "a":
        first, rest = single(signature[1:])
        return "a" + first, rest
    if signature[0] in "({":
        depth = 0
        for place, letter in enumerate(signature):
            depth += (letter in "({") - (letter in ")}")
            if depth == 0:
                return signature[: place + 1], signature[place + 1 :]
    return signature[0], signature[1:]


def put(buffer, signature, values):
    for value in values:
        kind, signature = single(signature)
        align(buffer, ALIGNMENT[kind[0]])
        if kind in NUMBERS:
            buffer.extend(struct.pack(NUMBERS[kind], value))
        elif kind in "so":
            text = value.encode()
            buffer.extend(struct.pack("<I", len(text)) + text + b"\0")
        elif kind == "g":
            buffer.extend(bytes([len(value)]) + value.encode() + b"\0")
        elif kind == "v":
            put(buffer, "g", [value[0]])
            put(buffer, value[0], [value[1]])
        elif kind == "ay":
            buffer.extend(struct.pack("<I", len(value)) + value)
        elif kind[0] == "a":
            place = len(buffer)
            buffer.extend(b"\0\0\0\0")
            align(buffer, ALIGNMENT[kind[1]])
            start = len(buffer)
            for item in value.items() if isinstance(value, dict) else value:
                put(buffer, kind[1:], [item])
            struct.pack_into("<I", buffer, place, len(buffer) - start)
        else:
            put(buffer, kind[1:-1], value)


class Answer:
    def __init__(self, kind, serial, error, body, descriptors):
        self.kind, self.serial, self.error = kind, serial, error
        self.body, self.descriptors = body, descriptors

    def text(self):
        """The string that the body begins with, if it does."""
        if len(self.body) < 4:
            return ""
        length = struct.unpack_from("<I", self.body)[0]
        return self.body[4 : 4 + length].decode(errors="replace")


class Bus:
    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect("/run/dbus/system_bus_socket")
        self.serial = 0
        self.descriptors = []
        identity = str(os.getuid()).encode().hex()
        self.say(f"\0AUTH EXTERNAL {identity}")
        self.say("NEGOTIATE_UNIX_FD")
        self.socket.sendall(b"BEGIN\r\n")
        hello = self.call("/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello",
                          to="org.freedesktop.DBus")
        assert hello.kind == 2, hello.text()

    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        answer = self.socket.recv(4096)
        assert answer.startswith((b"OK", b"AGREE")), answer

    def send(self, path, interface, member, signature="", values=(), descriptors=(), flags=0,
             to=SERVICE):
        self.serial += 1
        body = bytearray()
        put(body, signature, values)
        fields = [(1, ("o", path)), (2, ("s", interface)), (3, ("s", member)), (6, ("s", to))]
        if signature:
            fields.append((8, ("g", signature)))
        if descriptors:
            fields.append((9, ("u", len(descriptors))))
        message = bytearray(struct.pack("<cBBBII", b"l", 1, flags, 1, len(body), self.serial))
        put(message, "a(yv)", [fields])
        align(message, 8)
        message.extend(body)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
        sent = self.socket.sendmsg([message], rights if descriptors else [])
        self.socket.sendall(message[sent:])
        return self.serial

    def read(self, count):
        data = bytearray()
        while len(data) < count:
            part, rights, _, _ = self.socket.recvmsg(count - len(data), socket.CMSG_SPACE(64))
            if not part:
                raise ConnectionError("the bus hung up")
            data.extend(part)
            for level, kind, given in rights:
                if kind == socket.SCM_RIGHTS:
                    self.descriptors.extend(array.array("i", given))
        return bytes(data)

    def receive(self):
        head = self.read(16)
        kind, length, fields = head[1], *struct.unpack_from("<I", head, 4), 0
        fields = struct.unpack_from("<I", head, 12)[0]
        raw = self.read(fields + (-fields % 8))[:fields]
        body = self.read(length)
        error, reply, place = "", 0, 0
        while place < len(raw):
            place += -place % 8
            code, signature = raw[place], chr(raw[place + 2])
            place += 4
            if signature == "g":
                place += raw[place] + 2
                continue
            place += -place % 4
            number = struct.unpack_from("<I", raw, place)[0]
            place += 4
            if signature in "so":
                if code == 4:
                    error = raw[place : place + number].decode()
                place += number + 1
            elif code == 5:
                reply = number
        given, self.descriptors = self.descriptors, []
        return Answer(kind, reply, error, body, given)

    def call(self, *arguments, **options):
        serial = self.send(*arguments, **options)
        while True:
            answer = self.receive()
            if answer.serial == serial and answer.kind in (2, 3):
                return answer

    def listen(self, rule):
        self.call("/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", "s", [rule],
                  to="org.freedesktop.DBus")


def session_streams():
    """What OpenSession needs: our ends and the guest's."""
    ours, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    stdin, stdout, stderr = os.pipe(), os.pipe(), os.pipe()
    theirs = [control.fileno(), stdin[0], stdout[1], stderr[1]]
    return (ours, stdin[1], stdout[0], stderr[0], control), theirs


def open_session(bus, command, **options):
    keep, theirs = session_streams()
    request = {"command": ("av", [("s", word) for word in command])}
    answer = bus.call(WEB, SERVICE + ".Container", "OpenSession", "a{sv}hah",
                      [request, 0, [1, 2, 3]], descriptors=theirs, **options)
    for end in theirs[1:]:
        os.close(end)
    keep[4].close()
    return answer, keep


def matrix():
    """Calls every method there is, and prints its name, the answer, and the action it was refused."""
    text = open("/etc/ctr/containers.toml").read().encode()
    properties = "org.freedesktop.DBus.Properties."
    manager, container = SERVICE + ".Manager.", SERVICE + ".Container."
    options = {"lines": ("t", 1)}
    # What to call it with; two rows where the arguments decide.
    calls = {
        manager + "Plan": [("", "say", ["", b""]), (" of another text", "say", ["x", text])],
        manager + "OpenEvents": [("", "", [])],
        manager + "Request": [("", "a(ss)a{sv}", [[("lab", "web")], {"verb": ("s", "start")}])],
        manager + "OpenJournal": [("", "a(ss)a{sv}", [[("lab", "web")], options])],
        manager + "Prune": [("", "as", [["lab-nobody"]])],
        container + "OpenJournal": [("", "a{sv}", [options])],
        container + "Secret": [("", "s", ["token"])],
        properties + "Get": [("", "ss", ["", ""])],
        properties + "GetAll": [("", "s", [""])],
        properties + "Set": [("", "ssv", ["", "", ("s", "x")])],
    }
    plain = [manager + it for it in ("Status", "Apply", "Down", "Leftovers", "ListGpus", "CheckGpus")]
    plain += [container + it for it in ("Status", "Start", "Stop", "Restart", "OpenSession")]
    plain += ["org.freedesktop.DBus." + it for it in (
        "Peer.Ping", "Peer.GetMachineId", "Introspectable.Introspect",
        "ObjectManager.GetManagedObjects")]
    # Each leaves things as the next ones need them.
    last = ["Stop", "Start", "Restart", "Down", "Apply"]
    found = []
    bus = Bus()
    for path in (MANAGER, WEB):
        text_of = bus.call(path, "org.freedesktop.DBus.Introspectable", "Introspect").text()
        for interface in xml.etree.ElementTree.fromstring(text_of).findall("interface"):
            for method in interface.findall("method"):
                found.append((path, interface.get("name"), method.get("name")))
    found.sort(key=lambda it: last.index(it[2]) if it[2] in last else -1)
    for path, interface, member in found:
        name = f"{interface}.{member}"
        if name not in calls and name not in plain:
            sys.exit(f"{name} is served, and this does not know how to call it")
        for note, signature, values in calls.get(name, [("", "", [])]):
            if member == "OpenSession":
                answer, _keep = open_session(bus, ["true"])
            else:
                if interface + "." == properties:
                    own = SERVICE + (".Manager" if path == MANAGER else ".Container")
                    values = [own, "Version" if path == MANAGER else "State"][: len(values)] + values[2:]
                answer = bus.call(path, interface, member, signature, values)
            action = re.search(r"org\.kernelcore\.Containers1\.[a-z-]+$", answer.text())
            said = {"": "yes", "NotAuthorised": "no", "AuthenticationRequired": "password"}
            said = said.get(answer.error.rsplit(".", 1)[-1], f"fails: {answer.error}")
            print(name + note, said, action.group(0) if action else "nothing", sep="\t")


if __name__ == "__main__" and sys.argv[1:] == ["matrix"]:
    matrix()
