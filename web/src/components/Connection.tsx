import { STALE_AFTER_MS } from "../api/stream.ts";
import { useApp, useNow } from "../state/app.ts";
import { age } from "../state/format.ts";

/** State of the stream and age of what is shown. */
export function Connection() {
  const app = useApp();
  useNow();
  const { state, lastByteAt } = app.connection;
  const silentMs = lastByteAt ? Date.now() - lastByteAt : 0;
  const stale = state === "live" && silentMs > STALE_AFTER_MS;
  const tone = state === "live" ? (stale ? "warning" : "healthy") : state === "paused" || state === "connecting" ? "unknown" : "critical";
  const text = {
    live: stale ? "no news" : "live",
    connecting: "connecting…",
    reconnecting: "reconnecting…",
    paused: "paused while hidden",
    unauthorized: "token needed",
  }[state];
  return (
    <p class={`connection tone-${tone}`} data-connection={stale ? "stale" : state} title={app.connection.error || undefined}>
      <span class="dot" aria-hidden="true" />
      <span role="status">{text}</span>
      {lastByteAt > 0 && <span class="muted connection-age">data {age(silentMs / 1000)} old</span>}
    </p>
  );
}
