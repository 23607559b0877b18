import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { useApp } from "../state/app.ts";
import { TokenField } from "./TokenField.tsx";

interface Props {
  title: string;
  onClose: () => void;
  onSubmit: () => void;
  confirm: string;
  danger?: boolean;
  busy?: boolean;
  disabled?: boolean;
  error?: string | null;
  children: ComponentChildren;
}

/** A question before something happens. The browser's own modal dialog: it holds the focus and Escape closes it. */
export function Dialog({ title, onClose, onSubmit, confirm, danger, busy, disabled, error, children }: Props) {
  const app = useApp();
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const [newToken, setNewToken] = useState("");
  const wantsToken = app.needsToken;
  useEffect(() => {
    const opener = document.activeElement;
    element.current?.showModal();
    return () => (opener instanceof HTMLElement && opener.isConnected ? opener.focus() : undefined);
  }, []);
  const submit = (event: Event) => {
    event.preventDefault();
    if (busy || disabled) return;
    if (wantsToken && newToken.trim()) app.useToken(newToken.trim());
    onSubmit();
  };
  return (
    <dialog ref={element} aria-labelledby={titleId} onClose={onClose} onKeyDown={(event) => event.stopPropagation()}>
      <form method="dialog" onSubmit={submit}>
        <h2 id={titleId}>{title}</h2>
        {children}
        {error && (
          <p class="dialog-error ink-critical" role="alert">
            {error}
          </p>
        )}
        {wantsToken && <TokenField value={newToken} onChange={setNewToken} />}
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={() => element.current?.close()}>
            Cancel
          </button>
          <button type="submit" class={`button ${danger ? "danger" : "primary"}`} disabled={busy || disabled} data-confirm>
            {busy ? "Sending…" : confirm}
          </button>
        </div>
      </form>
    </dialog>
  );
}
