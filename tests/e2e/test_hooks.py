"""What the agent asks a worker before it is restarted, what it said before it died, whether it really answers; planned recycles."""
import os
import signal

from product import agent_config, monitor_config, run, wait_for

SLEEPER = ["sh", "-c", "while :; do sleep 0.3; done"]


def story(api, kind):
    """Texts of one kind in all incidents, with those that have ended."""
    whole = [api.get(f"/incidents/{i['id']}") for i in api.incidents()]
    return [e["text"] for i in whole for e in i["timeline"] if e["kind"] == kind]


def healthy(api, worker):
    seen = api.workers().get(worker)
    return seen and seen["status"] == "healthy" and seen["pid"] and seen


def test_a_hung_worker_is_asked_what_it_does_and_the_incident_keeps_the_answer(world):
    config = monitor_config(world.dir / "monitor")
    config["pools"]["default"]["recovery"]["settle"] = "500ms"  # a cure at once leaves no incident
    _, api = world.serve(config)
    hook = {"command": ["sh", "-c", "echo stack of $0; echo line two; echo $PARAMEDIC_WORKER_ID", "{pid}"], "timeout": "5s"}
    world.agent(agent_config(world.dir / "agent", api.url, [{"id": "w", "command": SLEEPER, "diagnostics": hook}]))
    first = wait_for("a healthy worker", lambda: healthy(api, "w"), 40)["pid"]
    os.kill(first, signal.SIGSTOP)
    wait_for("a successor", lambda: (w := healthy(api, "w")) and w["pid"] != first, 60)
    text = wait_for("the dump in the incident", lambda: story(api, "diagnosed"), 20)[0]
    assert f"stack of {first}\nline two\nw" in text and "(exit 0)" in text, text
    assert "state T" in text, "what /proc says comes first"
    incident = next(i for i in api.incidents() if "w" in i["workers"])
    shown = run(["incidents", incident["id"], "--monitor", api.url])
    assert shown.returncode == 0 and f"stack of {first}" in shown.stdout, shown.stdout + shown.stderr
    steps = [s["step"] for s in api.restarts("w")[0]["steps"]]
    assert steps.index("diagnostics") < steps.index("term"), steps


def test_the_last_words_of_a_crashed_worker_are_kept(world):
    _, api = world.serve()
    script = f"test -e {world.dir}/again || {{ touch {world.dir}/again; sleep 3; echo 'KeyError: user' >&2; exit 1; }}; exec sleep 1000"
    world.agent(agent_config(world.dir / "agent", api.url, [
        {"id": "w", "command": ["sh", "-c", script], "stdout": str(world.dir / "out.log")}]))
    text = wait_for("the last words in the incident", lambda: story(api, "diagnosed"), 40)[0]
    assert text == "w: its last words:\nKeyError: user"
    wait_for("a successor", lambda: healthy(api, "w"), 40)


def test_a_model_that_no_longer_answers_is_restarted_and_a_good_answer_proves_the_cure(world):
    _, api = world.serve()
    ready, broken = world.dir / "ready", world.dir / "broken"
    serve = ["sh", "-c", f"rm -f {broken}; touch {ready}; while :; do sleep 0.3; done"]
    ask = ["sh", "-c", f"test -e {ready} && test ! -e {broken} || {{ echo no answer; exit 7; }}"]
    world.agent(agent_config(world.dir / "agent", api.url, [
        {"id": "m", "command": serve, "smoke": {"command": ask, "interval": "1s", "model": "clip"}}]))
    model = lambda: next(m for m in api.worker("m")["models"] if m["name"] == "clip")
    wait_for("the model to be ready", lambda: model()["state"] == "ready" and model()["smoke_ok"] and healthy(api, "m"), 40)
    first = api.worker("m")["pid"]
    broken.touch()  # the process lives on and its state is S: nothing else would notice
    restart = wait_for("a proven cure", lambda: next((r for r in api.restarts("m") if r["state"] == "succeeded"), None), 60)
    assert restart["reason"] == "smoke_failed" and restart["outcome"] == "its smoke check passed", restart
    assert api.worker("m")["pid"] != first


def test_a_worker_is_recycled_by_the_number_of_its_tasks(world):
    pools = {"old": {"recovery": {"recycle_tasks": 5, "allow_last": True, "young_monitor": "0s", "settle": "0s", "stop_interval": "1s",
                                  "verify_grace": "15s", "verify_proof": "15s", "verify_alive": "3s", "term_grace": "2s"}}}
    _, api = world.serve(monitor_config(world.dir / "monitor", pools=pools))
    work = ["/usr/bin/python3", "-c", """
import json, os, socket, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
say = lambda **event: s.sendto(json.dumps(event).encode(), os.environ['PARAMEDIC_SOCKET'])
for i in range(1_000_000):
    say(event='task_started', id=str(i), type='t')
    time.sleep(0.1)
    say(event='task_finished', id=str(i))
    time.sleep(0.4)
"""]
    world.agent(agent_config(world.dir / "agent", api.url, [{"id": "w", "pool": "old", "command": work, "concurrency": 1}]))
    restart = wait_for("a planned restart", lambda: next((r for r in api.restarts("w") if r["state"] == "succeeded"), None), 60)
    assert restart["reason"] == "recycle" and restart["kind"] == "drain_restart" and "(limit 5)" in restart["text"], restart
    assert api.incidents() == [], "nothing was wrong"
