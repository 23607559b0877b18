import { STALE_AFTER_MS } from "../api/stream.ts";
import { useApp, useNow } from "../state/app.ts";
import { age } from "../state/format.ts";
import { StatusIcon } from "./StatusIcon.tsx";

/** What the operator must know before reading any number below. */
export function Banners() {
  const app = useApp();
  useNow();
  const { state, lastByteAt, error } = app.connection;
  const silent = lastByteAt ? Date.now() - lastByteAt : 0;
  const stale = lastByteAt > 0 && silent > STALE_AFTER_MS && state !== "paused";
  const { bigSwitch, ledgerDegraded } = app.fleet;
  return (
    <div class="banners">
      {stale && (
        <p class="banner tone-critical" role="alert" data-banner="stale">
          <StatusIcon status="critical" />
          <span>
            <strong>Nothing arrived for {age(silent / 1000)}.</strong> What you see is old{error ? `: ${error}` : ""}. Reconnecting by itself.
          </span>
        </p>
      )}
      {!stale && state === "reconnecting" && error && (
        <p class="banner tone-warning" role="status" data-banner="reconnecting">
          <StatusIcon status="warning" />
          <span>Connection lost: {error}. Reconnecting by itself.</span>
        </p>
      )}
      {bigSwitch.held && (
        <p class="banner tone-warning" role="status" data-banner="big-switch">
          <StatusIcon status="warning" />
          <span>
            <strong>All automatic action is held by the big switch</strong>
            {bigSwitch.reason ? `: ${bigSwitch.reason}` : ""}. Nothing is restarted or started until it is released.
          </span>
        </p>
      )}
      {ledgerDegraded && (
        <p class="banner tone-warning" role="status" data-banner="ledger">
          <StatusIcon status="warning" />
          <span>
            <strong>The ledger cannot be written.</strong> Starts go on, stops are held until it can; see <a href="/readyz">/readyz</a>.
          </span>
        </p>
      )}
    </div>
  );
}
