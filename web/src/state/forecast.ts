// What a restart does to the tasks in flight, in words for people. Pure.
import type { LossForecast, TaskFate } from "../api/types.ts";
import { plural } from "./format.ts";

const WORDS: Record<TaskFate, string> = { safe: "safe", redone: "done again", lost: "lost", unknown: "lost or done again" };

export function fateText(fate: TaskFate): string {
  return WORDS[fate] ?? fate;
}

/** "3 tasks in flight: 1 safe, 2 lost." */
export function forecastSummary(forecast: LossForecast): string {
  if (!forecast.tasks_known) return "This worker does not tell its tasks.";
  const all = forecast.tasks.length + forecast.tasks_left_out;
  if (all === 0) return "No task is in flight.";
  const counts = (Object.keys(WORDS) as TaskFate[])
    .map((fate) => [forecast.tasks.filter((task) => task.fate === fate).length, fateText(fate)] as const)
    .filter(([count]) => count > 0)
    .map(([count, words]) => `${count} ${words}`);
  return `${plural(all, "task")} in flight: ${counts.join(", ")}${forecast.tasks_left_out > 0 ? ", the others are not listed" : ""}.`;
}
