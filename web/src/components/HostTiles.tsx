import { useState } from "preact/hooks";
import { useApp } from "../state/app.ts";
import { plural } from "../state/format.ts";
import type { HostGroup } from "../state/hosts.ts";
import { StatusBar } from "./StatusBar.tsx";

const SHOWN = 24;

/** One tile per host, the worst first. */
export function HostTiles({ hosts }: { hosts: HostGroup[] }) {
  const [all, setAll] = useState(false);
  if (hosts.length === 0) return <p class="empty">No host yet.</p>;
  const shown = all ? hosts : hosts.slice(0, SHOWN);
  return (
    <>
      <ul class="host-tiles">
        {shown.map((host) => (
          <HostTile key={host.host} host={host} />
        ))}
      </ul>
      {hosts.length > SHOWN && (
        <p class="card-foot">
          <button type="button" class="button quiet small" onClick={() => setAll(!all)}>
            {all ? `Show the ${SHOWN} worst` : `Show all ${hosts.length} hosts`}
          </button>
        </p>
      )}
    </>
  );
}

function HostTile({ host }: { host: HostGroup }) {
  const app = useApp();
  const { counts } = host;
  const pressed = host.host !== "" && app.route.query.host === host.host;
  const ill = [counts.critical && `${counts.critical} critical`, counts.warning && `${counts.warning} warning`, counts.unknown && `${counts.unknown} unknown`];
  const bad = ill.filter(Boolean).join(", ");
  const tone = counts.critical ? "critical" : counts.unknown ? "unknown" : counts.warning ? "warning" : "healthy";
  return (
    <li>
      <button
        type="button"
        class={`host-tile edge-${tone}`}
        disabled={host.host === ""}
        aria-pressed={pressed}
        onClick={() => app.setQuery({ host: pressed ? "" : host.host })}
      >
        <span class="host-name">{host.host || "no host told"}</span>
        <StatusBar
          counts={{ critical_workers: counts.critical, warning_workers: counts.warning, unknown_workers: counts.unknown, healthy_workers: counts.healthy }}
        />
        <span class="small muted">
          {plural(host.workers, "worker")}
          {bad ? <span class={`ink-${tone}`}> · {bad}</span> : " · all healthy"}
          {host.agent && host.agent !== "connected" && <span class="ink-critical"> · agent {host.agent}</span>}
        </span>
      </button>
    </li>
  );
}
