/** Asks for the chain behind any id. */

import { useState } from "preact/hooks";
import { go } from "../../router";
import { whyHref } from "../../routing";

export function WhyForm({ model }: { model: string }) {
  const [id, setId] = useState("");
  const ask = (event: Event) => {
    event.preventDefault();
    if (id.trim()) go(whyHref(model, id.trim()));
  };
  return (
    <form class="why-form" onSubmit={ask} aria-label="Why">
      <label for="why-id" class="visually-hidden">
        Id
      </label>
      <input
        id="why-id"
        value={id}
        placeholder="Job, version, deployment, request, file, slot or order"
        autoComplete="off"
        spellcheck={false}
        onInput={(event) => setId(event.currentTarget.value)}
      />
      <button type="submit" class="button">
        Tell why
      </button>
    </form>
  );
}
