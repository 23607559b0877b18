import { useEffect, useState } from "preact/hooks";

export interface Polled<T> {
  value: T | null;
  error: string | null;
}

/**
 * Loads at once, again when `key` changes, and every `everyMs`. The old value stays while a newer one is on its way, and
 * when a later load fails. Key null = do not load.
 */
export function usePoll<T>(key: string | null, load: (signal: AbortSignal) => Promise<T>, everyMs: number): Polled<T> {
  const [state, setState] = useState<Polled<T>>({ value: null, error: null });
  useEffect(() => {
    if (key == null) return;
    const abort = new AbortController();
    let timer = 0;
    const turn = () => {
      load(abort.signal)
        .then((value) => setState({ value, error: null }))
        .catch((error: unknown) => {
          if (!abort.signal.aborted) setState((old) => ({ value: old.value, error: error instanceof Error ? error.message : String(error) }));
        })
        .finally(() => {
          if (!abort.signal.aborted) timer = window.setTimeout(turn, everyMs);
        });
    };
    turn();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [key]);
  return state;
}
