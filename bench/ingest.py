#!/usr/bin/env python3
"""./dev bench ingest: what a sample costs from the socket to the disk, and how many reports a second fit.

Own paced client (bench_load): 20 numbers per report, history resolution = report period. CPU-seconds of the monitor per 1M
samples: HTTP with one keep-alive connection per worker, paced (1000 workers × 1/s) and saturated (64 connections), and
WebSocket batches (1000 workers × 1/s over 10 agents). Median of 3 runs. Beside it in the same run: nginx `return 200` with
the same saturated client, when nginx is installed.
"""
import os
import shutil
import subprocess
import tempfile
import time

from common import Monitor, Process, cpu_seconds, finish, load, median, metric, say

SAMPLES = 20
RUNS = int(os.environ.get("RUNS", "3"))


def one(mode, workers, period, seconds, agents=10):
    monitor = Monitor("history:\n  resolution: 1s\n")
    try:
        load(mode, monitor.port, workers, max(period, 1), 2, agents)  # every worker known, connections of the client warm
        _, page = monitor.get("/metrics")
        rows = metric(page, "paramedic_history_rows_total")
        cpu = cpu_seconds(monitor.pid)
        counted = load(mode, monitor.port, workers, period, seconds, agents)
        time.sleep(1.5)  # the last group commit
        used = cpu_seconds(monitor.pid) - cpu
        _, page = monitor.get("/metrics")
        stored = metric(page, "paramedic_history_rows_total") - rows
        return {"cpu": used / (counted["answered"] * SAMPLES) * 1e6, "per_s": counted["answered"] / counted["seconds"], "rows": stored, **counted}
    finally:
        monitor.stop()


def nginx(seconds):
    if not shutil.which("nginx"):
        return None
    with tempfile.TemporaryDirectory(prefix="paramedic-nginx-") as place:
        os.makedirs(f"{place}/logs", exist_ok=True)
        port = 18000 + os.getpid() % 2000
        open(f"{place}/nginx.conf", "w").write(
            f"daemon off; worker_processes 2; pid {place}/nginx.pid; error_log {place}/error.log;\n"
            f"events {{ worker_connections 1024; }}\nhttp {{ access_log off; keepalive_requests 100000000;\n"
            f" client_body_temp_path {place}/b; proxy_temp_path {place}/p; fastcgi_temp_path {place}/f; uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;\n"
            f" server {{ listen 127.0.0.1:{port}; location / {{ return 200; }} }} }}\n")
        server = Process(["nginx", "-p", place, "-c", f"{place}/nginx.conf"], f"{place}/out.log")
        try:
            time.sleep(0.5)
            return load("http", port, 64, 0, seconds)
        finally:
            server.stop()


figures = {}
for name, args in (("http_paced", ("http", 1000, 1, 20)), ("http_saturated", ("http", 64, 0, 10)), ("ws", ("ws", 1000, 1, 20))):
    runs = [one(*args) for _ in range(RUNS)]
    for run in runs:
        say(f"{name}: {run['cpu']:.2f} CPU s per 1M samples, {run['per_s']:.0f} reports/s, {run['rows']:.0f} rows stored, {run['refused']} refused, {run['failed']} failed")
    figures[f"{name}_cpu_s_per_1m"] = round(median([r["cpu"] for r in runs]), 3)
    if name == "http_saturated":
        figures["http_reports_per_s"] = round(median([r["per_s"] for r in runs]))
peers = [r for r in (nginx(10) for _ in range(RUNS)) if r]
if peers:
    figures["nginx_per_s"] = round(median([r["answered"] / r["seconds"] for r in peers]))
    say(f"nginx return 200, same client: {figures['nginx_per_s']} /s")
else:
    say("left out: nginx is not installed")
finish("ingest", figures)
