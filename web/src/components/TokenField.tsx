import { useId } from "preact/hooks";

export function TokenField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const id = useId();
  return (
    <p class="field">
      <label for={id}>Token with the scope “operate” (kept until this tab is closed)</label>
      <input id={id} type="password" data-token autocomplete="off" spellcheck={false} value={value} onInput={(event) => onChange(event.currentTarget.value)} />
    </p>
  );
}
