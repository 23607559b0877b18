import { useId } from "preact/hooks";

export function ReasonField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const id = useId();
  return (
    <p class="field">
      <label for={id}>Reason, for the audit (optional)</label>
      <input id={id} type="text" maxLength={200} value={value} onInput={(event) => onChange(event.currentTarget.value)} />
    </p>
  );
}
