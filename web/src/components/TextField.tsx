import { useId } from "preact/hooks";

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  maxLength?: number;
  hint?: string;
  required?: boolean;
}

/** One line of text with its label. */
export function TextField({ label, value, onChange, maxLength = 200, hint, required }: Props) {
  const id = useId();
  return (
    <p class="field">
      <label for={id}>{label}</label>
      <input id={id} type="text" maxLength={maxLength} required={required} value={value} aria-describedby={hint ? `${id}-hint` : undefined} onInput={(event) => onChange(event.currentTarget.value)} />
      {hint && (
        <span id={`${id}-hint`} class="small muted">
          {hint}
        </span>
      )}
    </p>
  );
}
