import type { Cause, Finding, Pending } from "../api/types.ts";
import { duration, NONE, number, words } from "../state/format.ts";
import { Age } from "./Age.tsx";
import { StatusPill } from "./StatusPill.tsx";

/** Every check with its status; each bad cause with value, limit and since when. */
export function FindingsTable({ findings, pending }: { findings: Finding[]; pending: Pending[] }) {
  return (
    <section aria-labelledby="findings-title">
      <h3 id="findings-title">Findings</h3>
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Findings">
        <table class="table findings">
          <thead>
            <tr>
              <th scope="col">Check</th>
              <th scope="col">Status</th>
              <th scope="col">Message</th>
              <th scope="col" class="num">Value</th>
              <th scope="col" class="num">Limit</th>
              <th scope="col" class="num">Since</th>
            </tr>
          </thead>
          <tbody>
            {findings.map((finding) => (
              <FindingRows key={finding.check_name} finding={finding} />
            ))}
          </tbody>
        </table>
      </div>
      {pending.length > 0 && (
        <p class="pending small" data-pending={pending.length}>
          <strong>Pending:</strong>{" "}
          {pending.map((p) => `${words(p.check_name)} ${words(p.reason)}${p.subject ? ` (${p.subject})` : ""}, ${words(p.from)} → ${words(p.to)}, seen ${p.seen} of ${p.needed}`).join("; ")}
        </p>
      )}
    </section>
  );
}

function FindingRows({ finding }: { finding: Finding }) {
  const causes = (finding.causes ?? []).filter((c) => c.status === "warning" || c.status === "critical");
  const head = (
    <th scope="row" rowSpan={Math.max(1, causes.length)}>
      {words(finding.check_name)}
    </th>
  );
  if (causes.length === 0) {
    return (
      <tr data-check={finding.check_name}>
        {head}
        <td><StatusPill status={finding.status} /></td>
        <td colSpan={4} class={finding.status === "healthy" || finding.status === "not_applicable" ? "muted" : ""}>
          {finding.message}
        </td>
      </tr>
    );
  }
  return (
    <>
      {causes.map((cause, i) => (
        <tr key={`${cause.reason}/${cause.subject ?? ""}`} data-check={finding.check_name}>
          {i === 0 && head}
          <td><StatusPill status={cause.status} /></td>
          <td class="f-message">
            {cause.message ?? finding.message}
            {" "}
            {cause.remedy && cause.remedy !== "none" && <span class="tag remedy">asks for {words(cause.remedy)}</span>}
          </td>
          <td class="num" data-label="Value">{amount(cause.value, cause)}</td>
          <td class="num" data-label="Limit">{amount(cause.limit, cause)}</td>
          <td class="num" data-label="Since"><Age time={cause.since} /></td>
        </tr>
      ))}
    </>
  );
}

/** 0 as limit means that there is none: an exit has no threshold. */
function amount(value: number | null, cause: Cause): string {
  if (value == null || (value === 0 && cause.limit === 0)) return NONE;
  if (cause.unit === "s") return duration(value);
  return cause.unit ? `${number(value, 1)} ${cause.unit}` : number(value, 2);
}
