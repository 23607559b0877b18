import type { ActionStep } from "../api/types.ts";
import { dateTime, duration, parseTime } from "../state/format.ts";
import { Age } from "./Age.tsx";

/** What happened in which order, how long each step took and what was said. */
export function ActionSteps({ steps }: { steps: ActionStep[] }) {
  if (steps.length === 0) return null;
  return (
    <table class="table action-steps">
      <caption class="hidden-text">Steps of the latest remedy</caption>
      <thead>
        <tr>
          <th scope="col">Step</th>
          <th scope="col" class="num">At</th>
          <th scope="col" class="num">Took</th>
          <th scope="col">Said</th>
        </tr>
      </thead>
      <tbody>
        {steps.map((step, i) => (
          <tr key={step.step} data-step={step.step}>
            <th scope="row">{step.step}</th>
            <td class="num" title={dateTime(parseTime(step.at))}>{step.at.slice(11, 23)}</td>
            <td class="num">
              {step.duration_seconds != null ? duration(step.duration_seconds)
                : step.step !== "ended" && i === steps.length - 1 ? <Age time={step.at} suffix=" so far" />
                : ""}
            </td>
            <td class="step-said">{step.message}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
