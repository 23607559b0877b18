import { useEffect, useState } from "preact/hooks";
import type { ActionRecord } from "../api/types.ts";
import { useApp } from "../state/app.ts";
import { approvalOf } from "../state/approval.ts";
import { isLastHealthy } from "../state/cost.ts";
import { words } from "../state/format.ts";
import { ActionSteps } from "./ActionSteps.tsx";
import { Age } from "./Age.tsx";
import { CostOfStop } from "./CostOfStop.tsx";
import { ReasonField } from "./ReasonField.tsx";
import { StatusPill } from "./StatusPill.tsx";
import { TokenField } from "./TokenField.tsx";
import { useCommand } from "./use_command.ts";
import { useWorker } from "./use_worker.ts";

/** The page behind the link of a message: yes or no to a remedy that waits. Opening it only reads; the buttons act. */
export function ApprovalPage({ worker: id, action }: { worker: string; action: string }) {
  const app = useApp();
  const { worker, error, missing } = useWorker(id);
  const named = useAction(id, action, worker?.action ?? null);
  const approval = named === undefined || (!worker && !missing) ? null : approvalOf(worker?.action ?? null, named);
  return (
    <section class="card approval" aria-labelledby="approval-title" data-approval={approval?.waits ? "waits" : approval ? "over" : "loading"}>
      <header class="card-head">
        <h2 id="approval-title">Does this remedy run?</h2>
        <a class="button quiet" href={`#/workers/${encodeURIComponent(id)}`}>All about {id}</a>
      </header>
      <div class="approval-body">
        {missing && <p class="empty">No worker {id} is known any more.</p>}
        {error && !missing && <p class="banner tone-warning">Details cannot be loaded: {error}</p>}
        {approval && (
          <p data-approval-state>
            <StatusPill status={approval.waits ? "warning" : "inactive"} text={approval.waits ? "waits for you" : "no longer waits"} /> {approval.text}
          </p>
        )}
        {named && (
          <dl class="facts">
            <div><dt>What</dt><dd>{words(named.kind)}</dd></div>
            <div><dt>Worker</dt><dd>{id}{worker && ` (pool ${worker.pool}${worker.host ? `, host ${worker.host}` : ""})`}</dd></div>
            <div><dt>Why</dt><dd>{named.text || words(named.reason ?? "")}</dd></div>
            <div><dt>Asked</dt><dd><Age time={named.requested_at} suffix=" ago" /></dd></div>
            {worker?.held && <div><dt>Held by</dt><dd>{worker.held.text}</dd></div>}
          </dl>
        )}
        {worker && approval?.waits && named?.kind !== "start" && (
          <CostOfStop worker={worker} lastHealthy={isLastHealthy(worker, app.fleet.pools)} held={app.fleet.bigSwitch.held} forecast={null} />
        )}
        {approval?.waits && <ApprovalButtons worker={id} action={action} />}
        {named && <ActionSteps steps={named.steps ?? []} />}
      </div>
    </section>
  );
}

function ApprovalButtons({ worker, action }: { worker: string; action: string }) {
  const app = useApp();
  const [reason, setReason] = useState("");
  const [newToken, setNewToken] = useState("");
  const [said, setSaid] = useState("");
  const { busy, error, run } = useCommand((result) => setSaid(result.message));
  const say = (verb: "approve" | "reject") => {
    if (app.needsToken && newToken.trim()) app.useToken(newToken.trim());
    run(() => app.client.command(worker, verb, { action_id: action, ...(reason.trim() ? { reason: reason.trim() } : {}) }));
  };
  return (
    <form onSubmit={(event) => event.preventDefault()}>
      <ReasonField value={reason} onChange={setReason} />
      {app.needsToken && <TokenField value={newToken} onChange={setNewToken} />}
      <div class="actions">
        <button type="button" class="button primary" disabled={busy} data-answer="approve" onClick={() => say("approve")}>Approve</button>
        <button type="button" class="button danger" disabled={busy} data-answer="reject" onClick={() => say("reject")}>Reject</button>
      </div>
      <p role="status" class="said">{said}</p>
      {error && <p class="ink-critical" role="alert">{error}</p>}
    </form>
  );
}

/** The named action: the worker's own, else from the records. undefined while it loads, null when it is not there. */
function useAction(worker: string, id: string, current: ActionRecord | null): ActionRecord | null | undefined {
  const app = useApp();
  const [recorded, setRecorded] = useState<ActionRecord | null | undefined>(undefined);
  const isCurrent = current?.action_id === id;
  useEffect(() => {
    if (isCurrent) return;
    const abort = new AbortController();
    app.client
      .restarts(worker, abort.signal)
      .then((all) => setRecorded(all.find((a) => a.action_id === id) ?? null))
      .catch(() => !abort.signal.aborted && setRecorded(null));
    return () => abort.abort();
  }, [app, worker, id, isCurrent, current?.action_id]);
  return isCurrent ? current : recorded;
}
