"""A worker that can be hurt: `victim.py ID FOLDER`. It notes each of its lives, beats, and does what FOLDER orders.

FOLDER/starts          one line per life of any worker: ID PID
FOLDER/words           one line per word that a worker has to tell: ID PID WORD
FOLDER/always-ID       an order that each life performs first; `FOLDER/first-ID`: only the first life does
FOLDER/do-ID           an order for the present life; it is taken away when it has been read
Orders are words of Victim.ORDERS with arguments: `exit 3`.
"""
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path


def note(path, *words):
    with open(path, "a") as file:  # one short write with O_APPEND: lines of several workers do not mix
        file.write(" ".join(map(str, words)) + "\n")


class Victim:
    def __init__(self, me, place):
        self.me, self.place = me, Path(place)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.hoard, self.leaking, self.tasks, self.working = [], 0, 0, False
        starts = self.place / "starts"
        self.life = 1 + (sum(line.split()[0] == me for line in starts.read_text().splitlines()) if starts.exists() else 0)
        signal.signal(signal.SIGUSR1, lambda *_: self.word("drain"))
        note(starts, me, os.getpid())

    def word(self, *words):
        note(self.place / "words", self.me, os.getpid(), *words)

    def tell(self, event, **more):
        try:
            self.socket.sendto(json.dumps({"event": event, **more}).encode(), os.environ["PARAMEDIC_SOCKET"])
        except OSError:
            pass  # an agent that is away stops no work

    def obey(self, text):
        name, *arguments = text.split()
        getattr(self, "do_" + name)(*arguments)

    # ---- orders -----------------------------------------------------------------------------------------------------
    def do_exit(self, code):
        os._exit(int(code))

    def do_signal(self, number):
        os.kill(os.getpid(), int(number))

    def do_ignore(self, number):
        signal.signal(int(number), signal.SIG_IGN)
        self.word("ignores", number)

    def do_work(self):
        """Short tasks, one after the other."""
        self.working = True

    def do_hang_task(self):
        self.working = False
        self.tell("task_started", id="endless", type="render", args_digest="d0")

    def do_leak(self, mib_per_turn):
        self.leaking = int(mib_per_turn)

    def do_model(self, state):
        self.tell("model", name="clip", state=state, **({"error": "out of memory on cuda:0"} if state == "failed" else {"load_seconds": 0.1}))

    def do_children(self, count, again="0"):
        """Children that ignore TERM; the last `again` of them make another two when somebody tries."""
        for i in range(int(count)):
            if os.fork() == 0:
                child(again=i >= int(count) - int(again))
        self.word("children", count)

    # ---- life -------------------------------------------------------------------------------------------------------
    def turn(self):
        self.tell("beat")
        order = self.place / f"do-{self.me}"
        if order.exists():
            text = order.read_text()
            order.unlink()
            self.obey(text)
        if self.leaking:
            self.hoard.append(b"x" * (self.leaking << 20))
        if self.working:
            self.tasks += 1
            self.tell("task_started", id=f"t{self.life}-{self.tasks}", type="render")
            self.tell("task_finished", id=f"t{self.life}-{self.tasks}", type="render", duration_seconds=0.01)

    def run(self):
        for name, due in (("always", True), ("first", self.life == 1)):
            path = self.place / f"{name}-{self.me}"
            if due and path.exists():
                self.obey(path.read_text())
        self.tell("ready")
        while True:
            self.turn()
            time.sleep(0.2)


def child(again):
    """TERM is ignored, or answered with two further children."""

    def more(*_):
        for _ in range(2):
            if os.fork() == 0:
                child(again=False)

    signal.signal(signal.SIGTERM, more if again else signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    while True:
        time.sleep(1000)


if __name__ == "__main__":
    Victim(*sys.argv[1:3]).run()
