"""A webhook on 127.0.0.1 that keeps what it is told, for tests of alerting."""
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from product import wait_for


class Message:
    def __init__(self, headers, body):
        self.at = time.monotonic()
        self.headers = headers
        self.notification = json.loads(body)["data"]["notification"]

    def __getattr__(self, name):
        try:
            return self.__dict__["notification"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __repr__(self):
        n = self.notification
        return f"<{n['kind']} {n['severity']} {n['title']!r} workers={n['worker_count']} alerts={n['firing_count']}/{n['alert_count']}>"


class Hook:
    """`answer`: called with each Message, returns the HTTP status to answer, or None to close without an answer."""

    def __init__(self, answer=lambda message: 200):
        self.lock = threading.Lock()
        self.messages = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                message = Message(dict(self.headers), self.rfile.read(int(self.headers["Content-Length"])))
                status = answer(message)
                with hook.lock:
                    hook.messages.append(message)
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def all(self, **members):
        """Messages whose members have these values, in the order of arrival."""
        with self.lock:
            return [m for m in self.messages if all(m.notification.get(k) == v for k, v in members.items())]

    def wait(self, what, timeout=30, **members):
        return wait_for(what, lambda: self.all(**members), timeout)[0]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)
