"""Has contenders do their work in turn, and says how long each piece of it took: one JSON object a line.

The plan is the file named on the command line (plan.rs writes it). A time begins right before a command is
started and ends with what the step waits for. Whoever fails is out, with the reason; the others go on.
"""

import glob
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE = 180.0
FIFO = "/srv/bench/ready/line"
NOTIFY = "/run/bench-notify"
PROMPT = re.compile(rb"[#$] (\x1b\[[0-9;?]*[a-zA-Z])*$")


class Failed(Exception):
    """Why a contender is out."""


def say(**event):
    print(json.dumps(event), flush=True)


def reason(log):
    log.seek(0)
    text = log.read().decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # A hint or a trace comes last; what went wrong is told before it.
    errors = [line for line in lines if re.search("error|fail|cannot", line, re.IGNORECASE)]
    return " ".join((errors or lines)[-2:])[-300:] or "it said nothing"


def bash(text):
    with tempfile.TemporaryFile() as log:
        words = ["bash", "-euo", "pipefail", "-c", text]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=PATIENCE)
        if done.returncode:
            raise Failed(reason(log))


def processor_seconds(processes):
    """What processors spent on these units' processes, threads that there are now."""
    sum_of = 0
    for pid in processes:
        for name in glob.glob(f"/proc/{pid}/task/*/schedstat"):
            with open(name) as file:
                sum_of += int(file.read().split()[0])
    return sum_of / 1e9


def main_process(unit):
    if unit == "1":
        return unit
    show = ["systemctl", "show", "--value", "--property=MainPID", unit]
    return subprocess.run(show, capture_output=True, text=True, check=True).stdout.strip()


class Waiting:
    """One way to know that a command has done what it is for."""

    def __init__(self, until):
        self.kind, self.place = until["what"], until.get("place")
        self.file = None

    def __enter__(self):
        if self.kind == "line":
            self.file = os.open(FIFO, os.O_RDONLY | os.O_NONBLOCK)
        elif self.kind == "ready":
            if os.path.exists(NOTIFY):
                os.unlink(NOTIFY)
            self.file = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.file.bind(NOTIFY)
            os.chmod(NOTIFY, 0o666)
        return self

    def __exit__(self, *_):
        if self.kind == "line":
            os.close(self.file)
        elif self.kind == "ready":
            self.file.close()
            os.unlink(NOTIFY)

    def until(self, process, begun):
        """The time at which it had happened."""
        if self.kind == "end":
            process.wait(PATIENCE)
            return time.perf_counter()
        while time.perf_counter() - begun < PATIENCE:
            if self.kind == "connect":
                if self.connects():
                    return time.perf_counter()
                time.sleep(0.0005)
            elif select.select([self.file], [], [], 0.05)[0]:
                if self.kind == "line":
                    return time.perf_counter()
                if b"READY=1" in self.file.recv(4096).split(b"\n"):
                    return time.perf_counter()
            if process.poll():
                raise Failed("its command ended before it was ready")
        raise Failed(f"it was not ready within {PATIENCE:.0f} s")

    def connects(self):
        host, port = self.place.rsplit(":", 1)
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            return True
        except OSError:
            return False


class Contender:
    def __init__(self, plan):
        self.plan = plan
        self.who = plan["who"]
        self.stays = None

    def take_turn(self, counts):
        for step in self.plan["steps"]:
            try:
                figures = getattr(self, step["do"])(step)
            except subprocess.TimeoutExpired as error:
                raise Failed(f"it took longer than {error.timeout:.0f} s") from error
            except OSError as error:
                raise Failed(str(error)) from error
            for work, value in figures if counts else ():
                say(event="figure", who=step.get("who", self.who), work=work, value=value)

    def quietly(self, step):
        bash(step["text"])
        return []

    def time(self, step):
        processes = [main_process(unit) for unit in step["processors_of"]]
        environment = dict(os.environ)
        if step["until"]["what"] == "ready":
            environment["NOTIFY_SOCKET"] = NOTIFY
        with tempfile.TemporaryFile() as log, Waiting(step["until"]) as waiting:
            spent = processor_seconds(processes)
            begun = time.perf_counter()
            process = subprocess.Popen(
                step["words"], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            try:
                ended = waiting.until(process, begun)
                if step["stays"]:
                    self.stays = process
                elif process.wait(PATIENCE):
                    raise Failed(reason(log))
            except (Failed, subprocess.TimeoutExpired) as error:
                process.kill()
                process.wait()
                said = reason(log)
                raise Failed(f"{error}: {said}" if str(error) != said else said) from error
        figures = [(step["work"], ended - begun)]
        if processes:
            figures.append((step["processor_work"], processor_seconds(processes) - spent))
        return figures

    def prompt(self, step):
        """Until a shell asks on a terminal; then it is told to leave."""
        begun = time.perf_counter()
        pid, terminal = pty.fork()
        if pid == 0:
            os.execvp(step["words"][0], step["words"])
        seen = b""
        while not PROMPT.search(seen):
            if not select.select([terminal], [], [], PATIENCE)[0]:
                raise Failed(f"no prompt within {PATIENCE:.0f} s")
            try:
                seen += os.read(terminal, 4096)
            except OSError as error:
                os.waitpid(pid, 0)
                raise Failed("no prompt: " + seen.decode(errors="replace").strip()[-200:]) from error
        ended = time.perf_counter()
        os.write(terminal, b"exit\n")
        try:
            while os.read(terminal, 4096):
                pass
        except OSError:
            pass
        os.waitpid(pid, 0)
        os.close(terminal)
        return [(step["work"], ended - begun)]

    def end(self, step):
        """Ends what has stayed, as a person would: by SIGTERM."""
        begun = time.perf_counter()
        self.stays.send_signal(signal.SIGTERM)
        self.stays.wait(PATIENCE)
        self.stays = None
        return [(step["work"], time.perf_counter() - begun)] if step["work"] else []

    def figures(self, step):
        words = ["bash", "-euo", "pipefail", "-c", step["text"]]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode:
            raise Failed((done.stderr or done.stdout).strip()[-300:])
        return list(zip(step["works"], map(float, done.stdout.split()), strict=True))

    def finish(self):
        if self.stays:
            self.stays.kill()
            self.stays.wait()
        try:
            bash(self.plan["finish"])
        except (Failed, OSError, subprocess.TimeoutExpired):
            pass  # It was on its way out, and the host is thrown away.


def main():
    with open(sys.argv[1]) as file:
        plan = json.load(file)
    os.makedirs(os.path.dirname(FIFO), exist_ok=True)
    os.mkfifo(FIFO)
    os.chmod(FIFO, 0o666)
    contenders = []
    for words in plan["contenders"]:
        contender = Contender(words)
        say(event="prepares", who=contender.who)
        try:
            bash(words["prepare"])
            contenders.append(contender)
        except (Failed, OSError, subprocess.TimeoutExpired) as error:
            say(event="out", who=contender.who, why=str(error))
            contender.finish()
    # The first turn fills caches and makes what is made once; it does not count.
    for turn in range(0 if plan["warm_up"] else 1, plan["turns"] + 1):
        for contender in list(contenders):
            say(event="turn", who=contender.who, turn=turn)
            try:
                contender.take_turn(turn > 0)
            except Failed as error:
                say(event="out", who=contender.who, why=str(error))
                contenders.remove(contender)
                contender.finish()
    for contender in contenders:
        contender.finish()
    say(event="end")


main()
