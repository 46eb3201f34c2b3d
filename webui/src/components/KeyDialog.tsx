/** Asks for the function key; it stays in this tab's session and goes in a header. */

import { useState } from "preact/hooks";
import { Dialog } from "./Dialog";
import { Field } from "./Field";

interface KeyDialogProps {
  /** Why it is asked for again; empty the first time. */
  refused: boolean;
  known: boolean;
  onKey: (key: string) => void;
  onClose: () => void;
}

export function KeyDialog({ refused, known, onKey, onClose }: KeyDialogProps) {
  const [key, setKey] = useState("");
  const send = (event: Event) => {
    event.preventDefault();
    if (key.trim()) onKey(key.trim());
  };
  return (
    <Dialog title="Function key" onClose={onClose}>
      <form onSubmit={send} class="stack">
        <p class="muted">
          It opens what callers may do: reading and predicting. It is kept in this tab until you
          close it, and is sent as a header only.
        </p>
        <Field
          label="Key"
          wrong={refused ? "The API refused the key that it was given." : undefined}
          hint={
            <>
              On your machine: <code>keys.function</code> in <code>.noon/stack.json</code>
            </>
          }
        >
          {(ids) => (
            <input
              {...ids}
              type="password"
              autoComplete="off"
              spellcheck={false}
              required
              value={key}
              onInput={(event) => setKey(event.currentTarget.value)}
            />
          )}
        </Field>
        <footer class="dialog-foot">
          {known && (
            <button type="button" class="button quiet" onClick={() => onKey("")}>
              Forget the key
            </button>
          )}
          <button type="submit" class="button primary">
            Use this key
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
