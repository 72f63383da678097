"""Asks to stop a container more often than one may wait for a password, and leaves without one.

ask.py HELD ASKED
"""

import os
import subprocess
import sys

sys.path.insert(0, "/srv")
import caller

held, asked = map(int, sys.argv[1:])
ready, told = os.pipe()
agent = subprocess.Popen(
    ["pkttyagent", "--fallback", "--notify-fd", str(told), "--process", str(os.getpid())],
    pass_fds=[told], stdin=subprocess.DEVNULL,
)
os.close(told)
os.read(ready, 1)
bus = caller.Bus()
for _ in range(asked):
    bus.send(caller.WEB, caller.SERVICE + ".Container", "Stop", flags=caller.ASK)
refused = 0
while refused < asked - held:
    answer = bus.receive()
    if answer.kind == 3:
        assert answer.error.endswith(".LimitsExceeded"), answer.text()
        refused += 1
print(f"{refused} of {asked} were too many", flush=True)
bus.socket.close()
agent.terminate()
agent.wait()
