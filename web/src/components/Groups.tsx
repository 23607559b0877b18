import { useMemo, useState } from "preact/hooks";
import { useApp } from "../state/app.ts";
import { groupByHost } from "../state/hosts.ts";
import { HostTiles } from "./HostTiles.tsx";
import { PoolTable } from "./PoolTable.tsx";
import { QueueTable } from "./QueueTable.tsx";
import { RollingPanel } from "./RollingPanel.tsx";
import { Tabs } from "./Tabs.tsx";

type View = "pools" | "hosts" | "queues";

/** The fleet in groups, before the long list: by pool, by host, by queue. */
export function Groups() {
  const app = useApp();
  const { fleet } = app;
  const [view, setView] = useState<View>("pools");
  const second = Math.floor(Date.now() / 1000); // hosts are grouped anew once a second at most
  const hosts = useMemo(() => groupByHost(fleet.rows.values(), fleet.sources), [fleet, second, fleet.rows.size]);
  const named = hosts.filter((h) => h.host !== "").length;
  return (
    <section class="card" aria-labelledby="groups-title">
      <header class="card-head">
        <h2 id="groups-title">Groups</h2>
        <Tabs
          label="Group by"
          value={view}
          onChange={setView}
          options={[
            { value: "pools", label: `Pools ${fleet.pools.length}` },
            { value: "hosts", label: `Hosts ${named}` },
            { value: "queues", label: `Queues ${fleet.queues.length}` },
          ]}
        />
      </header>
      {view === "pools" && <PoolTable pools={fleet.pools} />}
      {view === "pools" && fleet.pools.length > 0 && <RollingPanel />}
      {view === "hosts" && <HostTiles hosts={hosts} />}
      {view === "queues" && <QueueTable queues={fleet.queues} />}
    </section>
  );
}
