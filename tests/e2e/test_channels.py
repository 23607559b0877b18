"""Channels against real peers: Debian's Alertmanager and an SMTP server with STARTTLS and AUTH (aiosmtpd), by test-notify."""
import datetime
import email
import email.policy
import http.server
import json
import shutil
import signal
import ssl
import subprocess
import threading

import pytest
import requests
from product import free_port, monitor_config, run, wait_for, write_yaml


def configure(world, **channels):
    return write_yaml(world.dir / "paramedic.yaml", {"external_url": "https://paramedic.example", "channels": channels})


def notify(config, channel, kind="test", expect=0, env=None, **options):
    args = ["test-notify", channel, "--config", str(config), "--kind", kind]
    for key, value in options.items():
        args += [f"--{key.replace('_', '-')}", value]
    done = run(args, env=env)
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout + done.stderr


def remote_id(output):
    return next(line.split(": ", 1)[1] for line in output.splitlines() if line.startswith("remote id: "))


# ---- Alertmanager ---------------------------------------------------------------------------------------------------


class Sink:
    """A webhook receiver behind Alertmanager."""

    def __init__(self):
        self.got = []
        got = self.got

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def last(self):
        return self.got[-1] if self.got else None

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Alertmanager:
    def __init__(self, world, sink, name="am"):
        self.world, self.name, self.port = world, name, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = write_yaml(world.dir / f"{name}.yml", {
            "route": {"receiver": "sink", "group_by": ["alertname", "worker"], "group_wait": "10ms", "group_interval": "100ms"},
            "receivers": [{"name": "sink", "webhook_configs": [{"url": f"http://127.0.0.1:{sink.port}/", "send_resolved": True}]}]})
        self.process = None
        self.start()

    def start(self):
        program = shutil.which("prometheus-alertmanager")
        assert program, "prometheus-alertmanager is missing: tools/packages.txt"
        self.process = self.world.start(self.name, [
            program, f"--config.file={self.config}", f"--storage.path={self.world.dir / (self.name + '-data')}",
            f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address="])
        wait_for("Alertmanager answers", lambda: requests.get(self.url + "/-/ready", timeout=2).status_code == 200, 60)

    def alerts(self, **query):
        return requests.get(self.url + "/api/v2/alerts", params=query, timeout=5).json()

    def silence(self, name, value):
        now = datetime.datetime.now(datetime.timezone.utc)
        body = {"matchers": [{"name": name, "value": value, "isRegex": False, "isEqual": True}], "startsAt": now.isoformat(),
                "endsAt": (now + datetime.timedelta(hours=1)).isoformat(), "createdBy": "test", "comment": "test"}
        return requests.post(self.url + "/api/v2/silences", json=body, timeout=5).json()["silenceID"]


@pytest.fixture
def sink():
    made = Sink()
    yield made
    made.close()


def test_alertmanager_fires_is_silenced_restarted_and_resolves(world, sink):
    am = Alertmanager(world, sink)
    config = configure(world, am={"type": "alertmanager", "urls": [am.url]})

    assert "delivered" in notify(config, "am", "firing")
    fired = wait_for("the firing notification", sink.last)
    assert fired["status"] == "firing"
    alert = fired["alerts"][0]
    assert alert["labels"] == {"alertname": "ParamedicTest", "severity": "info", "worker": "paramedic-test", "pool": "test"}
    assert "TEST" in alert["annotations"]["summary"]
    assert alert["generatorURL"] == "https://paramedic.example/"

    am.silence("worker", "paramedic-test")
    wait_for("silenced", lambda: am.alerts()[0]["status"]["state"] == "suppressed")

    am.process.stop(signal.SIGTERM)  # forgets alerts, keeps silences and what it notified
    assert "would be tried again" in notify(config, "am", "firing", expect=6)
    am.start()
    assert am.alerts() == []
    before = len(sink.got)
    notify(config, "am", "update")
    again = wait_for("posted again", am.alerts)
    assert again[0]["fingerprint"] == alert["fingerprint"], "the same alert"
    wait_for("still silenced", lambda: am.alerts()[0]["status"]["state"] == "suppressed")
    assert len(sink.got) == before

    for one in requests.get(am.url + "/api/v2/silences", timeout=5).json():
        requests.delete(f"{am.url}/api/v2/silence/{one['id']}", timeout=5)
    notify(config, "am", "resolved")
    resolved = wait_for("the resolved notification", lambda: sink.last() if sink.last()["status"] == "resolved" else None)
    assert resolved["alerts"][0]["fingerprint"] == alert["fingerprint"]
    assert "TEST" in resolved["alerts"][0]["annotations"]["summary"], "told at the end as well"
    assert am.alerts() == []


def test_what_fires_survives_restarts_of_alertmanager_and_of_the_monitor(world, sink):
    am = Alertmanager(world, sink)
    config = monitor_config(world.dir / "monitor", extra={
        "channels": {"am": {"type": "alertmanager", "urls": [am.url], "repost": "1s"}},
        "alerting": {"rules": [{"name": "hot", "when": {"metric": "cpu_percent", "above": 50}, "severity": "critical"}]}})
    monitor, api = world.serve(config)
    api.report("w-1", pool="thumbs", resources={"cpu_percent": 60})
    first = wait_for("the alert there", am.alerts)[0]
    assert first["labels"]["alertname"] == "hot" and first["labels"]["worker"] == "w-1", first
    wait_for("told by Alertmanager", sink.last)

    am.process.stop(signal.SIGKILL)
    am.start()
    assert wait_for("posted again to the new life", am.alerts)[0]["fingerprint"] == first["fingerprint"]

    # Both die: the new monitor knows from its ledger what stands there, and that it ended.
    monitor.stop(signal.SIGKILL)
    am.process.stop(signal.SIGKILL)
    am.start()
    monitor, api = world.serve(config)
    assert wait_for("posted again by the new monitor", am.alerts)[0]["fingerprint"] == first["fingerprint"]
    api.report("w-1", pool="thumbs", resources={"cpu_percent": 10})
    wait_for("resolved", lambda: sink.last() and sink.last()["status"] == "resolved", 20)
    wait_for("nothing fires there", lambda: am.alerts() == [], 20)
    assert monitor.stop() == 0


def test_every_member_of_a_cluster_gets_the_alert_and_one_is_enough(world, sink):
    first, second = Alertmanager(world, sink, "am-1"), Alertmanager(world, sink, "am-2")
    config = configure(world, am={"type": "alertmanager", "urls": [first.url, second.url], "labels": {"monitor": "e2e"}})
    notify(config, "am", "firing")
    for member in (first, second):
        assert [a["labels"]["monitor"] for a in member.alerts()] == ["e2e"]
    second.process.stop(signal.SIGTERM)
    output = notify(config, "am", "resolved")
    assert "1 of 2 members took it" in output
    assert first.alerts() == []


def test_a_test_ends_by_itself(world, sink):
    am = Alertmanager(world, sink)
    config = configure(world, am={"type": "alertmanager", "urls": [am.url]})
    notify(config, "am")
    ends = datetime.datetime.fromisoformat(am.alerts()[0]["endsAt"].replace("Z", "+00:00"))
    assert ends - datetime.datetime.now(datetime.timezone.utc) < datetime.timedelta(minutes=2)


# ---- SMTP -----------------------------------------------------------------------------------------------------------

SECRET = "a-mail-password"


class MailHandler:
    def __init__(self):
        self.mails, self.refuse = [], {}

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((envelope, session, email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return "250 2.0.0 Ok: queued as E2E"


class MailServer:
    """aiosmtpd with STARTTLS (or implicit TLS) and AUTH."""

    def __init__(self, world, tls="starttls"):
        from aiosmtpd.controller import Controller
        from aiosmtpd.smtp import AuthResult

        self.ca = world.dir / "ca.pem"
        key = world.dir / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", self.ca, "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.ca, key)

        def authenticate(server, session, envelope, mechanism, data):
            good = mechanism in ("PLAIN", "LOGIN") and (data.login, data.password) == (b"paramedic", SECRET.encode())
            return AuthResult(success=good, handled=good)  # not handled: the server says 535

        self.handler = MailHandler()
        options = {"authenticator": authenticate, "auth_required": tls != "none", "auth_require_tls": tls != "implicit"}
        if tls == "starttls":
            options.update(tls_context=context, require_starttls=True)
        if tls == "none":
            options = {}
        self.port = free_port()
        self.controller = Controller(self.handler, hostname="127.0.0.1", port=self.port,
                                     ssl_context=context if tls == "implicit" else None, **options)
        self.controller.start()

    def channel(self, **keys):
        return {"type": "email", "server": f"localhost:{self.port}", "username": "paramedic", "password_variable": "E2E_MAIL",
                "from": "Paramedic <paramedic@example.org>", "to": ["ops@example.org", "boss@example.org"], "ca_file": str(self.ca), **keys}


@pytest.fixture
def mail_server(world):
    made = []

    def start(*args):
        made.append(MailServer(world, *args))
        return made[-1]

    yield start
    for server in made:
        server.controller.stop()


ENV = {"E2E_MAIL": SECRET}


def test_a_story_by_mail_over_starttls_and_auth(world, mail_server):
    server = mail_server()
    config = configure(world, mail=server.channel())
    first = notify(config, "mail", "firing", env=ENV)
    assert "250 2.0.0 Ok: queued as E2E" in first and SECRET not in first
    notify(config, "mail", "resolved", env=ENV, remote_id=remote_id(first))
    assert len(server.handler.mails) == 2
    (envelope, session, fired), (_, _, resolved) = server.handler.mails
    assert session.ssl is not None and session.authenticated
    assert envelope.mail_from == "paramedic@example.org" and envelope.rcpt_tos == ["ops@example.org", "boss@example.org"]
    assert fired["Subject"].startswith("[INFO] TEST of channel mail")
    assert fired["Message-ID"] == remote_id(first)
    assert fired["Date"].datetime.tzinfo is not None
    assert resolved["In-Reply-To"] == resolved["References"] == fired["Message-ID"]
    assert resolved["Message-ID"] != fired["Message-ID"]
    assert fired.get_content_type() == "multipart/alternative" and not fired.defects
    text, html = (part.get_content() for part in fired.iter_parts())
    assert "Nothing is wrong." in text and "https://paramedic.example/" in text
    assert '<a href="https://paramedic.example/">' in html


def test_a_mail_over_implicit_tls(world, mail_server):
    server = mail_server("implicit")
    config = configure(world, mail=server.channel(tls="implicit"))
    notify(config, "mail", env=ENV)
    assert server.handler.mails[0][1].authenticated


def test_one_refused_recipient_does_not_stop_the_others(world, mail_server):
    server = mail_server()
    config = configure(world, mail=server.channel())
    server.handler.refuse["boss@example.org"] = "550 5.1.1 no such user boss"
    output = notify(config, "mail", env=ENV)
    assert "no such user boss" in output
    assert server.handler.mails[0][0].rcpt_tos == ["ops@example.org"]
    server.handler.refuse["ops@example.org"] = "450 4.2.0 greylisted"
    server.handler.refuse["boss@example.org"] = "450 4.2.0 greylisted"
    assert "greylisted" in notify(config, "mail", env=ENV, expect=6)
    server.handler.refuse = dict.fromkeys(("ops@example.org", "boss@example.org"), "550 5.7.1 go away")
    assert "go away" in notify(config, "mail", env=ENV, expect=2)


def test_a_wrong_password_an_unknown_certificate_and_no_starttls_are_refused(world, mail_server):
    server = mail_server()
    config = configure(world, mail=server.channel(), trusting=server.channel(ca_file="/etc/ssl/certs/ca-certificates.crt"))
    wrong = notify(config, "mail", env={"E2E_MAIL": "wrong-password"}, expect=2)
    assert "wrong-password" not in wrong
    assert "certificate" in notify(config, "trusting", env=ENV, expect=6)
    assert "E2E_MAIL is not set" in notify(config, "mail", env={k: v for k, v in ENV.items() if k != "E2E_MAIL"}, expect=2)
    plain = mail_server("none")
    config = configure(world, mail=plain.channel())
    assert "STARTTLS" in notify(config, "mail", env=ENV, expect=2)
    assert not server.handler.mails and not plain.handler.mails


# ---- the command ----------------------------------------------------------------------------------------------------


def test_what_is_wrong_is_named(world):
    config = configure(world, hook={"type": "webhook", "url": "http://127.0.0.1:1/x"}, bad={"type": "slack", "colour": "red"})
    assert "it has: hook, bad" in notify(config, "nothing", expect=3)
    output = notify(config, "bad", expect=2)
    assert "channels.bad.colour" in output and "url_file" in output
    assert "127.0.0.1:1" in notify(config, "hook", expect=6)
    assert "must be test" in notify(config, "hook", "digest", expect=2)
