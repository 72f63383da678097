"""Kills ctrd at every failpoint of one scenario, and says what came of it.

A scenario comes as JSON on standard input. Each line of the output is a JSON document: `{"point": …,
"problem": …}` for what went wrong at a failpoint, and at last `{"points": [names…], "kills": n,
"missed": [names…], "seconds": s}`.
"""

import collections
import difflib
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
from inventory import inventory

DIRECTORY = "/run/crash"
PASSED, DIE, STARTS, STOPS = (f"{DIRECTORY}/{name}" for name in ("passed", "die", "starts", "stops"))
DECLARATION = "/etc/ctr/containers.toml"
# Far longer than anything here takes; what takes longer hangs.
PATIENCE = 15
PAUSE = 0.05
FOREVER = float("inf")
# A scenario that goes wrong at so many places is not swept to its end.
ENOUGH = 4
# What is unhealthy is about to be restarted in every scenario that has such a one.
BETWEEN = ("starting", "stopping", "unhealthy")


class Wrong(Exception):
    """Something is not as it should be."""


def bash(text, check=True):
    done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, timeout=2 * PATIENCE)
    if check and done.returncode != 0:
        raise Wrong(f"`{text}` exited with {done.returncode}: {done.stdout}{done.stderr}")
    return done


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def lines(path):
    try:
        with open(path) as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []


def wait(what, is_true):
    """Waits for a truth, and returns it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = is_true()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Wrong(what() if callable(what) else what)
        time.sleep(PAUSE)


def status():
    """Every container's state by its name, or None while no ctrd answers."""
    done = subprocess.run(["ctr", "status", "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        return None
    groups = json.loads(done.stdout)["groups"]
    return {f"{group['name']}/{it['name']}": it for group in groups for it in group["containers"]}


def is_settled(seen):
    return seen is not None and all(is_at_rest(it) for it in seen.values())


def nobody_leaves(seen):
    """Nothing is left of a container that is declared no more: of it the status says nothing."""
    found = names_in("/run/ctr/root") | {name.removeprefix("ctr-") for name in names_in("/run/netns")}
    return found <= {it["machine"] for it in seen.values()}


def names_in(directory):
    try:
        return {name for name in os.listdir(directory) if not name.startswith(".")}
    except FileNotFoundError:
        return set()


def is_at_rest(it):
    if it["state"] == "waiting":
        # Somebody has to do something about the other one: there is a hint as to what.
        return bool(it.get("hint"))
    soon = (it.get("next_try_ms") or FOREVER) - time.time() * 1000 < 1000 * PATIENCE
    return it["state"] not in BETWEEN and not soon


def difference(expected, found):
    diff = difflib.unified_diff(expected, found, "expected", "found", lineterm="", n=0)
    return "\n".join(line for line in diff if not line.startswith("@@"))


class Sweep:
    def __init__(self, scenario):
        self.it = scenario
        self.before = self.after = None
        self.starts = collections.Counter()

    def look(self):
        return inventory(self.it["shallow"])

    def settled(self, which):
        """The host as it is once nothing changes any more."""
        def at_rest():
            now = status()
            return is_settled(now) and nobody_leaves(now)
        wait(lambda: f"{which} is not settled: {status()}", at_rest)
        seen = [None, self.look()]
        def same():
            seen[:] = [seen[1], self.look()]
            return seen[0] == seen[1] and at_rest()
        wait(f"{which} goes on changing", same)
        return seen[1]

    def comes_to(self, which, allowed):
        """Waits until the host is as one of these, by itself."""
        seen = []
        def is_there():
            if not is_settled(status()):
                return False
            seen[:] = self.look()
            return any(seen == it for it in allowed)
        def what():
            now = status() or {}
            states = {name: (it["state"], it.get("reason")) for name, it in now.items()}
            return f"{which}; {states}\n{difference(allowed[-1], seen)}"
        wait(what, is_there)

    def reset(self):
        """The host as it is before the scenario."""
        if os.path.exists(DIE):
            os.remove(DIE)
        write(DECLARATION, self.it["before"])
        wait("no ctrd answers", lambda: status() is not None)
        bash(self.it["reset"])
        if self.before is None:
            self.before = self.settled("the host before it")
        else:
            self.comes_to("the host does not come back to what it was before", [self.before])
        write(STARTS, "")
        write(STOPS, "")
        write(PASSED, "")
        if self.it["after"] is not None:
            write(DECLARATION, self.it["after"])

    def undisturbed(self):
        self.reset()
        bash(self.it["act"])
        self.after = self.settled("the host after it")
        self.starts = collections.Counter(lines(STARTS))
        if not set(self.it["stops"]) <= set(lines(STOPS)):
            raise Wrong(f"not all of those stop that are said to: {lines(STOPS)}")
        self.check_stops()
        return lines(PASSED)

    def killed_at(self, name, passing):
        """Whether ctrd was killed there at all."""
        self.reset()
        write(DIE, f"{passing} {name}\n")
        act = subprocess.Popen(["bash", "-c", self.it["act"]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        is_dead = lambda: not os.path.exists(DIE)
        try:
            while not is_dead() and act.poll() is None:
                time.sleep(0.005)
            if not is_dead():
                self.comes_to("nothing was killed, and yet", [self.after])
                if not is_dead():
                    os.remove(DIE)
                    return False
            act.wait(timeout=PATIENCE)
        finally:
            act.kill()
            act.wait()
        wait("ctrd does not come back", lambda: status() is not None)
        asked = self.it["again"] is not None
        allowed = [self.before, self.after] if asked else [self.after]
        if self.it["partly"]:
            wait("it does not come to rest", lambda: is_settled(status()))
        elif not self.it["on_its_way"]:
            self.comes_to("what is declared is not reached by itself" if not asked
                          else "neither as before nor as asked", allowed)
        self.check_starts()
        if asked:
            write(STARTS, "")
            write(STOPS, "")
            bash(self.it["again"])
            self.comes_to("asked again, it is not as asked", [self.after])
            self.check_starts()
        return True

    def check_stops(self):
        stopped = list(dict.fromkeys(it for it in lines(STOPS) if it in self.it["stops"]))
        if stopped != [it for it in self.it["stops"] if it in stopped]:
            raise Wrong(f"stopped in another order: {stopped}")

    def check_starts(self):
        self.check_stops()
        too_many = collections.Counter(lines(STARTS)) - self.starts
        for unit in self.it["may_start"]:
            too_many.pop(unit, None)
        if too_many:
            raise Wrong(f"started more often than without a crash: {dict(too_many)}")

    def run(self):
        began = time.monotonic()
        # Nothing of another scenario stays, such as that somebody stopped a container of the same name.
        bash(CLEAN, check=False)
        # Once to have what stays of it for ever: data.
        self.undisturbed()
        self.before = None
        passed = self.undisturbed()
        if len(passed) == 0:
            raise Wrong("no failpoint is passed")
        again = self.undisturbed_again()
        counts = collections.Counter(passed) | collections.Counter(again)
        kills, problems, missed = 0, 0, []
        for name in dict.fromkeys(passed + again):
            for passing in range(1, counts[name] + 1) if self.it["kill"] else ():
                point = f"{name} ({passing} of {counts[name]})"
                try:
                    if self.killed_at(name, passing):
                        kills += 1
                        write(f"{DIRECTORY}/progress", f"{kills} of {sum(counts.values())} in {time.monotonic() - began:.1f} s")
                    else:
                        missed.append(point)
                except (Wrong, subprocess.TimeoutExpired) as wrong:
                    kills += 1
                    journal = bash("journalctl -u ctrd -n 25 -o cat --no-pager", check=False).stdout
                    say({"point": point, "problem": str(wrong), "journal": journal})
                    problems += 1
                    if problems == ENOUGH:
                        raise Wrong("enough places go wrong to look at those first")
                    self.start_over()
        say({"points": list(counts), "passings": sum(counts.values()), "kills": kills, "missed": missed,
             "seconds": round(time.monotonic() - began, 1)})

    def undisturbed_again(self):
        """The same comes of it twice, or nothing can be compared with it."""
        first = self.after
        passed = self.undisturbed()
        if self.after != first:
            raise Wrong(f"twice the same, and not the same came of it\n{difference(first, self.after)}")
        return passed

    def start_over(self):
        """Whatever a problem left does not spoil the next place. Secrets are others from then on."""
        bash(CLEAN, check=False)
        self.before = None
        self.undisturbed()
        self.before = None
        self.undisturbed()


CLEAN = """
rm -f /run/crash/die
systemctl stop ctrd
systemctl kill --signal=KILL 'ctr-*.service'
systemctl reset-failed
for unit in $(systemctl list-units --all --plain --no-legend 'ctr-*.service' | cut -d' ' -f1); do systemctl stop $unit; done
printf 'schema = 1\n' >/etc/ctr/containers.toml
systemctl start ctrd
ctr down --yes
systemctl stop ctrd
grep -oE " (/run/ctr|/var/lib/ctr)/[^ ]*" /proc/self/mountinfo | tac | xargs -r -n1 umount -l
for name in /run/netns/ctr-*; do [ -e $name ] && { umount -l $name; rm -f $name; }; done
for link in $(ip -o link | grep -oE '(br-|ctr)[a-z0-9-]*' | sort -u); do ip link del $link; done
rm -rf /run/ctr/* /var/lib/ctr/* /var/lib/ctr/.[!.]* /run/ctr-journal /srv/crash/made
systemctl start ctrd
"""


def say(document):
    print(json.dumps(document), flush=True)
    with open(f"{DIRECTORY}/said", "a") as file:
        file.write(json.dumps(document) + "\n")


if __name__ == "__main__":
    os.makedirs(DIRECTORY, exist_ok=True)
    sweep = Sweep(json.load(sys.stdin))
    try:
        sweep.run()
    except (Wrong, subprocess.TimeoutExpired) as wrong:
        say({"point": "without a kill", "problem": str(wrong), "journal": bash("journalctl -u ctrd -n 25 -o cat --no-pager", check=False).stdout})
        bash(CLEAN, check=False)
