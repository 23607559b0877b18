import { memo } from "preact/compat";
import { useState } from "preact/hooks";
import type { Pool } from "../api/types.ts";
import { useApp } from "../state/app.ts";
import { duration, number, parseTime, withUnit, words } from "../state/format.ts";
import { CountsText } from "./CountsText.tsx";
import { MaintenanceDialog } from "./MaintenanceDialog.tsx";
import { RollingDialog } from "./RollingDialog.tsx";
import { StatusBar } from "./StatusBar.tsx";
import { StatusPill } from "./StatusPill.tsx";
import { Age } from "./Age.tsx";

export function PoolTable({ pools }: { pools: Pool[] }) {
  const [maintenanceOf, setMaintenanceOf] = useState<Pool | null>(null);
  const [rollingOf, setRollingOf] = useState<string | null>(null);
  if (pools.length === 0) return <p class="empty">No pool yet. A pool appears with its first worker.</p>;
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label="Pools">
      <table class="table pools">
        <thead>
          <tr>
            <th scope="col">Pool</th>
            <th scope="col">Workers</th>
            <th scope="col">Recovery</th>
            <th scope="col" class="num">Tasks/min</th>
            <th scope="col" class="num" title="workers that are down through Paramedic, now and at most">Down now</th>
            <th scope="col" class="num" title="living workers stopped in the last hour, and at most">Stops/h</th>
            <th scope="col"><span class="hidden-text">Actions</span></th>
          </tr>
        </thead>
        <tbody>
          {pools.map((pool) => (
            <PoolRow key={pool.pool} pool={pool} onMaintenance={setMaintenanceOf} onRolling={setRollingOf} />
          ))}
        </tbody>
      </table>
      {rollingOf != null && <RollingDialog pool={rollingOf} onClose={() => setRollingOf(null)} />}
      {maintenanceOf && <MaintenanceDialog pool={maintenanceOf.pool} on={!maintenanceOf.maintenance} onClose={() => setMaintenanceOf(null)} />}
    </div>
  );
}

const PoolRow = memo(function PoolRow({ pool, onMaintenance, onRolling }: { pool: Pool; onMaintenance: (pool: Pool) => void; onRolling: (pool: string) => void }) {
  const app = useApp();
  const pressed = app.route.query.pool === pool.pool;
  return (
    <tr data-pool={pool.pool}>
      <th scope="row">
        <button type="button" class="link" aria-pressed={pressed} title="show only the workers of this pool" onClick={() => app.setQuery({ pool: pressed ? "" : pool.pool })}>
          {pool.pool}
        </button>
      </th>
      <td class="pool-workers">
        <StatusBar counts={pool} />
        <CountsText counts={pool} />
        <PoolFindings pool={pool} />
      </td>
      <td>
        <PoolMode pool={pool} />
      </td>
      <td class="num" data-label="Tasks/min">{number(pool.tasks_per_minute, 1)}</td>
      <td class="num" data-label="Down now">{`${pool.down_now ?? 0} of ${pool.down_allowed ?? 1}`}</td>
      <td class="num" data-label="Stops/h">{`${pool.stops_hour ?? 0} of ${pool.stops_hour_allowed ?? 5}`}</td>
      <td class="num pool-actions">
        <button type="button" class="button quiet small" data-rolling-pool={pool.pool} onClick={() => onRolling(pool.pool)}>
          Rolling restart…
        </button>
        <button type="button" class="button quiet small" onClick={() => onMaintenance(pool)}>
          {pool.maintenance ? "End maintenance" : "Maintenance…"}
        </button>
      </td>
    </tr>
  );
});

function PoolMode({ pool }: { pool: Pool }) {
  return (
    <div class="pool-mode">
      <span class="tag" title={MODES[pool.mode]}>{pool.mode}</span>
      {pool.maintenance && <StatusPill status="info" text="maintenance" />}
      {pool.frozen && (
        <>
          <StatusPill status="warning" text="stops frozen" />
          <span class="small muted">
            {words(pool.frozen)}
            {parseTime(pool.frozen_since) != null && <>, for <Age time={pool.frozen_since} /></>}
          </span>
        </>
      )}
    </div>
  );
}

const MODES: Record<string, string> = {
  auto: "remedies run by themselves, within the brakes",
  approve: "each remedy waits for an operator",
  shadow: "remedies are only shown, never run",
  off: "no remedies",
};

function PoolFindings({ pool }: { pool: Pool }) {
  if (!pool.findings?.length) return null;
  return (
    <ul class="plain">
      {pool.findings.map((cause) => (
        <li key={cause.reason + (cause.subject ?? "")} class={`ink-${cause.status}`}>
          {cause.message ?? `${words(cause.reason)}: ${withUnit(cause.value, cause.unit)} (limit ${cause.unit === "s" ? duration(cause.limit) : withUnit(cause.limit, cause.unit)})`}
        </li>
      ))}
    </ul>
  );
}
