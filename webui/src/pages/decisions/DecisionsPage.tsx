/** Decisions: the log with filters, and the chain behind any id. */

import { useMemo, useState } from "preact/hooks";
import type { Decision, Decisions } from "../../api/types";
import { useResource } from "../../api/useResource";
import { Badge } from "../../components/Badge";
import { Head } from "../../components/Head";
import { Empty, Failure, Skeleton } from "../../components/States";
import { instant, inUtc } from "../../format";
import { go } from "../../router";
import { href } from "../../routing";
import { decisionsPath, KINDS, matches } from "./filter";
import { useOlder } from "./useOlder";
import { WhyForm } from "./WhyForm";
import { AboutLink, WhyView } from "./WhyView";

const LOG_SECONDS = 10;

interface DecisionsPageProps {
  model: string;
  query: URLSearchParams;
}

export function DecisionsPage({ model, query }: DecisionsPageProps) {
  const id = query.get("why");
  if (id) return <WhyView key={id} model={model} id={id} />;
  const kind = query.get("kind") ?? "";
  return <Log key={kind} model={model} kind={kind} />;
}

function Log({ model, kind }: { model: string; kind: string }) {
  const path = model ? decisionsPath(model, kind) : null;
  const resource = useResource<Decisions>(path, LOG_SECONDS);
  const older = useOlder(model, kind, resource.content);
  const [text, setText] = useState("");
  const { content, problem, refresh } = resource;
  const shown = useMemo(
    () => older.all.filter((decision) => matches(decision, text)),
    [older.all, text],
  );
  return (
    <>
      <Head title="Decisions" about={`${model}: what was decided, and why`} resource={resource} />
      <WhyForm model={model} />
      <Filters model={model} kind={kind} text={text} onText={setText} />
      {problem && <Failure problem={problem} onRetry={refresh} />}
      <section class="card" aria-busy={!content}>
        <h2 class="visually-hidden">The log</h2>
        {!content ? (
          <Skeleton lines={8} tall />
        ) : shown.length === 0 ? (
          <NothingFits filtered={kind !== "" || text !== ""} />
        ) : (
          <ol class="log">
            {shown.map((decision) => (
              <DecisionItem key={decision.id} decision={decision} />
            ))}
          </ol>
        )}
        {older.more && (
          <p class="log-more">
            <button
              type="button"
              class="button small"
              onClick={older.load}
              disabled={older.loading}
            >
              {older.loading ? "Reading …" : "Older ones"}
            </button>
          </p>
        )}
      </section>
    </>
  );
}

function NothingFits({ filtered }: { filtered: boolean }) {
  if (filtered)
    return <Empty title="Nothing fits">Choose another kind, or look further back.</Empty>;
  return <Empty title="No decision yet">The first landing, slot or order leads to one.</Empty>;
}

interface FiltersProps {
  model: string;
  kind: string;
  text: string;
  onText: (text: string) => void;
}

function Filters({ model, kind, text, onText }: FiltersProps) {
  return (
    <form class="filters" onSubmit={(event) => event.preventDefault()} aria-label="Filter">
      <div class="field">
        <label for="kind">Kind</label>
        <select
          id="kind"
          value={kind}
          onChange={(event) => {
            const next = event.currentTarget.value;
            go(href("decisions", model, { kind: next }), { replace: true });
          }}
        >
          <option value="">every kind</option>
          {KINDS.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </div>
      <div class="field">
        <label for="words">Words in reasons, causes and ids</label>
        <input
          id="words"
          type="search"
          value={text}
          placeholder="of what is shown"
          onInput={(event) => onText(event.currentTarget.value)}
        />
      </div>
    </form>
  );
}

function DecisionItem({ decision }: { decision: Decision }) {
  const about = decision.about.filter((key) => !/^(begun|ended|turned|event):/.test(key));
  return (
    <li>
      <time class="muted small number" dateTime={decision.at} title={inUtc(decision.at)}>
        {instant(decision.at)}
      </time>
      <span class="log-kind">
        <Badge code={decision.kind} />
      </span>
      <div class="log-words">
        {decision.reasons.map((reason) => (
          <p key={reason.code + reason.text}>{reason.text}</p>
        ))}
        {decision.outcome !== "done" && <p class="reason">{decision.outcome}</p>}
        <details>
          <summary class="small">
            {decision.cause}
            {decision.actions.length > 0 && `, ${decision.actions.length} ordered`}
          </summary>
          <ul class="reasons small">
            {decision.actions.map((action) => (
              <li key={action}>{action}</li>
            ))}
          </ul>
          <p class="row small">
            {about.map((key) => (
              <AboutLink key={key} about={key} model={decision.model} />
            ))}
            <code class="muted">{decision.id}</code>
          </p>
        </details>
      </div>
    </li>
  );
}
