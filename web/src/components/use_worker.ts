import { useEffect, useState } from "preact/hooks";
import { ApiError } from "../api/client.ts";
import type { WorkerDetail } from "../api/types.ts";
import { useApp } from "../state/app.ts";

const SOONEST_MS = 700;
const LATEST_MS = 5000;

/** A worker's details: fetched again when the stream says that it changed (at most every 0.7 s), and every 5 s anyway. */
export function useWorker(id: string) {
  const app = useApp();
  const [worker, setWorker] = useState<WorkerDetail | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [missing, setMissing] = useState(false);
  useEffect(() => {
    const abort = new AbortController();
    let timer = 0;
    let lastAt = 0;
    let lastSeen: unknown = null;
    const load = () => {
      clearTimeout(timer);
      lastAt = Date.now();
      lastSeen = app.fleet.rows.get(id)?.worker;
      app.client
        .worker(id, abort.signal)
        .then((detail) => {
          setWorker(detail);
          setError(null);
          setMissing(false);
        })
        .catch((caught: unknown) => {
          if (abort.signal.aborted) return;
          setMissing(caught instanceof ApiError && caught.status === 404);
          setError(caught instanceof Error ? caught.message : String(caught));
        })
        .finally(() => {
          if (!abort.signal.aborted) plan(LATEST_MS);
        });
    };
    const plan = (wait: number) => {
      clearTimeout(timer);
      timer = window.setTimeout(load, wait);
    };
    load();
    const off = app.onFrame(() => {
      if (app.fleet.rows.get(id)?.worker !== lastSeen) plan(Math.max(0, lastAt + SOONEST_MS - Date.now()));
    });
    return () => {
      off();
      abort.abort();
      clearTimeout(timer);
    };
  }, [app, id]);
  return { worker, error, missing };
}
