interface Props {
  label: string;
  value: string;
  options: readonly (readonly [string, string])[]; // what the API takes, words
  onChange: (value: string) => void;
}

/** For how long. */
export function DurationField({ label, value, options, onChange }: Props) {
  return (
    <p class="field">
      <label>
        {label}{" "}
        <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
          {options.map(([option, text]) => (
            <option key={option} value={option}>
              {text}
            </option>
          ))}
        </select>
      </label>
    </p>
  );
}
