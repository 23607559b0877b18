import { useEffect, useState } from "preact/hooks";
import type { LossForecast } from "../api/types.ts";
import { useApp } from "../state/app.ts";

/** Asks once what a restart would do to the tasks in flight; null while unknown, or when the monitor would refuse it. */
export function useForecast(worker: string, wanted: boolean): LossForecast | null {
  const app = useApp();
  const [forecast, setForecast] = useState<LossForecast | null>(null);
  useEffect(() => {
    if (!wanted) return;
    let open = true;
    app.client.command(worker, "restart", { dry_run: true, force: true }).then(
      (result) => open && setForecast(result.forecast ?? null),
      () => {}, // the dialog shows what the page itself knows; the restart will say why not
    );
    return () => {
      open = false;
    };
  }, [worker, wanted]);
  return forecast;
}
