"""Says that the host has woken up, as logind does: takes the place of the one that is stopped."""

import struct
import sys

sys.path.insert(0, "/srv")
import caller

BUS = "org.freedesktop.DBus"
LOGIND = "org.freedesktop.login1"
REPLACE = 0x2
OWNS_IT = 1

bus = caller.Bus()
answer = bus.call("/org/freedesktop/DBus", BUS, "RequestName", "su", (LOGIND, REPLACE), to=BUS)
assert answer.kind == 2 and struct.unpack_from("<I", answer.body)[0] == OWNS_IT, answer.text()
body = bytearray()
caller.put(body, "b", [sys.argv[1] == "sleeps"])
fields = [(1, ("o", "/org/freedesktop/login1")), (2, ("s", LOGIND + ".Manager")),
          (3, ("s", "PrepareForSleep")), (8, ("g", "b"))]
message = bytearray(struct.pack("<cBBBII", b"l", 4, 1, 1, len(body), 100))
caller.put(message, "a(yv)", [fields])
caller.align(message, 8)
bus.socket.sendall(message + body)
# Whatever was sent before the answer to this has gone out.
bus.call("/org/freedesktop/DBus", BUS, "GetId", to=BUS)
