import { useState } from "preact/hooks";
import { setTheme, theme, type Theme } from "../state/session.ts";

const NEXT: Record<Theme, Theme> = { system: "dark", dark: "light", light: "system" };

export function ThemeToggle() {
  const [value, setValue] = useState<Theme>(theme());
  return (
    <button
      type="button"
      class="button quiet"
      data-theme-toggle
      aria-label={`Colours: ${value}. Change to ${NEXT[value]}`}
      title={`Colours: ${value}`}
      onClick={() => {
        const next = NEXT[value];
        setTheme(next);
        setValue(next);
        dispatchEvent(new Event("paramedic-theme"));
      }}
    >
      <svg class="icon" viewBox="0 0 16 16" width="15" height="15" aria-hidden="true">
        <path d="M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Zm0 1.5v10a5 5 0 0 0 0-10Z" fill="currentColor" fill-rule="evenodd" />
      </svg>
      <span>{value}</span>
    </button>
  );
}
