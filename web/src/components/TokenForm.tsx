import { useState } from "preact/hooks";
import { useApp } from "../state/app.ts";

/** Shown when the monitor answers 401. The token stays in this tab's session. */
export function TokenForm() {
  const app = useApp();
  const [value, setValue] = useState("");
  if (!app.needsToken) return null;
  return (
    <form
      class="banner token-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (value.trim()) app.useToken(value.trim());
        setValue("");
      }}
    >
      <label for="token">
        <strong>This monitor wants a token.</strong> {app.connection.error && <span class="muted">({app.connection.error})</span>}
      </label>
      <input
        id="token"
        type="password"
        autocomplete="off"
        spellcheck={false}
        value={value}
        placeholder="bearer token"
        onInput={(event) => setValue(event.currentTarget.value)}
      />
      <button type="submit" class="button primary" disabled={!value.trim()}>
        Use token
      </button>
      <span class="muted small">Kept until this tab is closed. Make one with <code>paramedic token</code>.</span>
    </form>
  );
}
