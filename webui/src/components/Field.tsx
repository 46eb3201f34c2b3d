/** A labelled input with a hint and, when something is wrong, the reason beside it. */

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

export interface FieldIds {
  readonly id: string;
  readonly "aria-describedby": string | undefined;
  readonly "aria-invalid": boolean | undefined;
}

interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  wrong?: string | undefined;
  children: (ids: FieldIds) => ComponentChildren;
}

export function Field({ label, hint, wrong, children }: FieldProps) {
  const id = useId();
  const about = hint || wrong ? `${id}-about` : undefined;
  return (
    <div class={wrong ? "field wrong" : "field"}>
      <label for={id}>{label}</label>
      {children({ id, "aria-describedby": about, "aria-invalid": wrong ? true : undefined })}
      {about && (
        <p class="hint" id={about}>
          {wrong ? <strong class="reason">{wrong}</strong> : hint}
        </p>
      )}
    </div>
  );
}
