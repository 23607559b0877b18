"""A network cable between agent and monitor: a TCP proxy on 127.0.0.1 that can be cut in two ways.

`cut()`: connections are reset and new ones refused, as when a host or a firewall answers. `swallow()`: every byte disappears
and nobody is told, as on a dead line; new connections are taken and hear nothing. `heal()`: works again; what was swallowed is
lost, so connections of that time are reset, as a peer does that gets the middle of a conversation.
"""
import contextlib
import selectors
import socket
import threading


class Cable:
    def __init__(self, target_port):
        self.target = ("127.0.0.1", target_port)
        self.lock = threading.Lock()
        self.state, self.pairs, self.ended = "whole", [], False
        self.accepted = 0
        self.listener = self.listen(0)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.wake_read, self.wake_write = socket.socketpair()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    @staticmethod
    def listen(port):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
        return listener

    def cut(self):
        with self.lock:
            self.state = "cut"
            self.listener.close()
            self.listener = None
            self.reset_all()
        self.wake()

    def swallow(self):
        with self.lock:
            self.state = "dead"
        self.wake()

    def heal(self):
        with self.lock:
            if self.state == "dead":
                self.reset_all()
            self.state = "whole"
            if self.listener is None:
                self.listener = self.listen(self.port)
        self.wake()

    def close(self):
        self.ended = True
        self.wake()
        self.thread.join(5)
        with self.lock:
            self.reset_all()
            if self.listener:
                self.listener.close()

    # ---- the proxy's own thread -------------------------------------------------------------------------------------
    def wake(self):
        self.wake_write.send(b"x")

    def reset_all(self):
        for pair in self.pairs:
            for end in pair:
                if end:
                    with contextlib.suppress(OSError):
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close = reset
                    end.close()
        self.pairs = []

    def run(self):
        while not self.ended:
            with selectors.DefaultSelector() as poller:
                with self.lock:
                    poller.register(self.wake_read, selectors.EVENT_READ)
                    if self.listener:
                        poller.register(self.listener, selectors.EVENT_READ)
                    for pair in self.pairs:
                        for end, other in (pair, pair[::-1]):
                            if end:
                                poller.register(end, selectors.EVENT_READ, (pair, other))
                events = poller.select(1)
            with self.lock:
                for key, _ in events:
                    self.serve(key)

    def serve(self, key):
        if key.fileobj is self.wake_read:
            self.wake_read.recv(1024)
        elif key.fileobj is self.listener:
            self.take()
        elif key.data and key.data[0] in self.pairs:
            self.move(key.fileobj, *key.data)

    def take(self):
        near, _ = self.listener.accept()
        self.accepted += 1
        try:
            far = socket.create_connection(self.target, 5) if self.state == "whole" else None
        except OSError:
            return near.close()
        self.pairs.append((near, far))

    def move(self, end, pair, other):
        try:
            data = end.recv(1 << 16)
            if self.state == "dead" and data:
                return
            if data and other:
                return other.sendall(data)
        except OSError:
            pass
        if self.state == "dead":  # an end that closes cannot be heard either; it is only forgotten
            end.close()
            self.pairs.remove(pair)
            self.pairs.append(tuple(None if e is end else e for e in pair))
            return
        self.pairs.remove(pair)
        for each in pair:
            if each:
                each.close()
