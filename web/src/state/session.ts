// What this browser keeps: the bearer token for the session of this tab; the colour theme and the operator's name for good.
// Private windows may refuse storage: then they live as long as the page.
const TOKEN = "paramedic.token";
const THEME = "paramedic.theme";

const OPERATOR = "paramedic.operator";

export type Theme = "system" | "light" | "dark";

let tokenInMemory: string | null = null;

export function token(): string | null {
  try {
    return sessionStorage.getItem(TOKEN) ?? tokenInMemory;
  } catch {
    return tokenInMemory;
  }
}

export function setToken(value: string | null): void {
  tokenInMemory = value;
  try {
    if (value) sessionStorage.setItem(TOKEN, value);
    else sessionStorage.removeItem(TOKEN);
  } catch {
    // kept in memory
  }
}

let operatorInMemory = "";

/** The name under which this browser acknowledges and silences. */
export function operatorName(): string {
  try {
    return localStorage.getItem(OPERATOR) ?? operatorInMemory;
  } catch {
    return operatorInMemory;
  }
}

export function rememberOperator(name: string): void {
  operatorInMemory = name.trim();
  try {
    localStorage.setItem(OPERATOR, operatorInMemory);
  } catch {
    // kept in memory
  }
}

export function theme(): Theme {
  try {
    const stored = localStorage.getItem(THEME);
    return stored === "light" || stored === "dark" ? stored : "system";
  } catch {
    return "system";
  }
}

export function setTheme(value: Theme): void {
  try {
    if (value === "system") localStorage.removeItem(THEME);
    else localStorage.setItem(THEME, value);
  } catch {
    // lasts as long as the page
  }
  applyTheme(value);
}

export function applyTheme(value: Theme): void {
  if (value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
}

export function isDark(value: Theme): boolean {
  return value === "dark" || (value === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
}
