// Whether a remedy still waits for a word, and what became of it. Pure.
import type { ActionRecord } from "../api/types.ts";

export interface Approval {
  waits: boolean;
  text: string; // one sentence
}

/** `current` = the worker's latest action, `named` = the one of the link (null: not in the records). */
export function approvalOf(current: ActionRecord | null, named: ActionRecord | null): Approval {
  if (named == null) return { waits: false, text: "This remedy is not known: it is older than what is kept, or the link is cut off." };
  const step = (name: string) => named.steps?.find((s) => s.step === name);
  const rejected = step("rejected");
  if (rejected) return { waits: false, text: `Rejected ${rejected.message ?? ""} at ${clockOf(rejected.at)}.` };
  const approved = step("approved");
  if (approved) return { waits: false, text: `Approved ${approved.message ?? ""} at ${clockOf(approved.at)}; it is ${named.state.replace(/_/g, " ")} now.` };
  if (named.state === "waiting_approval") {
    if (current == null || current.action_id === named.action_id) return { waits: true, text: "It waits for your word." };
    return { waits: false, text: "Outdated: another remedy of this worker has taken its place." };
  }
  return { waits: false, text: `Outdated: it is ${named.state.replace(/_/g, " ")}${named.outcome ? `, ${named.outcome}` : ""}.` };
}

function clockOf(at: string): string {
  return `${at.slice(11, 19)} UTC`;
}
