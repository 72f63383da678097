"""Takes a node of a driver away, makes it again, and prints how long each of two guests took to open it."""

import os
import stat
import subprocess
import time

UVM = 511
NODE = "/run/hardware/dev/nvidia-uvm"
DEVICES = "/run/hardware/proc/devices"

# The driver of the node is not there, which the kernel says of a node that may be opened.
FIRST_OPEN = """
import errno, os, time
print("trying")
while True:
    try:
        os.open("/dev/nvidia-uvm", os.O_RDWR)
    except OSError as error:
        if error.errno == errno.ENXIO:
            break
        time.sleep(0.0005)
print(time.monotonic_ns())
"""


def bash(text):
    subprocess.run(["bash", "-c", text], stdout=subprocess.DEVNULL, check=True)


def until(text):
    for _ in range(800):
        done = subprocess.run(["bash", "-c", text], capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout
        time.sleep(0.05)
    raise SystemExit(f"not within 40 s: {text}")


# The driver's number goes first: who looks at the node's going sees that it is no more.
bash(
    f"ctr lab wait runs --timeout 40s && ctr lab stop starts && sed -i /nvidia-uvm/d {DEVICES} && rm -f {NODE} {NODE}-tools"
)
until("ctr status --json | grep -q '\"without gpu (nvidia-uvm)\"'")
bash("ctr lab start starts --timeout 1s 2>/dev/null; true")
until("ctr status --json | grep -q '\"waiting\"'")
bash(f"sed -i '/^Character/a {UVM} nvidia-uvm' {DEVICES}")
words = ["ctr", "lab", "exec", "runs", "--", "/usr/bin/python3", "-u", "-c", FIRST_OPEN]
with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as trying:
    trying.stdout.readline()
    os.umask(0)
    begun = time.monotonic_ns()
    os.mknod(NODE, stat.S_IFCHR | 0o666, os.makedev(UVM, 0))
    opened = int(trying.stdout.readline())
leader = "/proc/$(machinectl show --value --property=Leader lab-starts)/root"
started = int(until(f"cat {leader}/run/opened | grep ."))
print((opened - begun) / 1e9, (started - begun) / 1e9)
