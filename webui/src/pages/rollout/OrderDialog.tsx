/** Asks who orders something and why, and for the key of orders, which is kept for this order only. */

import { useState } from "preact/hooks";
import { useApi } from "../../api/context";
import { asProblem, Problem } from "../../api/problem";
import type { OrderTaken } from "../../api/types";
import { Dialog } from "../../components/Dialog";
import { Field } from "../../components/Field";
import { Failure } from "../../components/States";
import { lastWho, rememberWho } from "../../session";
import { keyOf, ORDERS, orderPath, type Verb } from "./orders";

const WORDS_MAX = 500;

interface OrderDialogProps {
  model: string;
  verb: Verb;
  onTaken: (taken: OrderTaken) => void;
  onClose: () => void;
}

export function OrderDialog({ model, verb, onTaken, onClose }: OrderDialogProps) {
  const { api } = useApi();
  const [because, setBecause] = useState("");
  const [who, setWho] = useState(lastWho);
  const [key, setKey] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const [sending, setSending] = useState(false);
  const order = ORDERS[verb];

  const send = async (event: Event) => {
    event.preventDefault();
    if (!api) return;
    setSending(true);
    try {
      const body = { because: because.trim(), who: who.trim() };
      const { content } = await api.post<OrderTaken>(orderPath(model, verb), body, { key });
      rememberWho(who.trim());
      onTaken(content);
    } catch (error) {
      setProblem(refusal(asProblem(error), verb));
      setSending(false);
    }
  };
  return (
    <Dialog title={`${order.title}: ${model}`} onClose={onClose}>
      <form class="stack" onSubmit={send}>
        <p class="muted">{order.effect}</p>
        <Field label="Why" hint="It is kept with the decision.">
          {(ids) => (
            <textarea
              {...ids}
              rows={2}
              required
              maxLength={WORDS_MAX}
              value={because}
              onInput={(event) => setBecause(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label="Who" hint="Your name, for whoever asks why later.">
          {(ids) => (
            <input
              {...ids}
              required
              maxLength={WORDS_MAX}
              autoComplete="name"
              value={who}
              onInput={(event) => setWho(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field
          label="Orders key"
          hint={
            <>
              The key of the function <code>{keyOf(verb)}</code>, not the one that you read with. It
              is sent once and forgotten.
            </>
          }
        >
          {(ids) => (
            <input
              {...ids}
              type="password"
              required
              autoComplete="off"
              value={key}
              onInput={(event) => setKey(event.currentTarget.value)}
            />
          )}
        </Field>
        {problem && <Failure problem={problem} />}
        <footer class="dialog-foot">
          <button type="button" class="button quiet" onClick={onClose}>
            Not now
          </button>
          <button
            type="submit"
            class={order.dangerous ? "button danger" : "button primary"}
            disabled={sending}
          >
            {order.title}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

function refusal(problem: Problem, verb: Verb): Problem {
  if (problem.status !== 401) return problem;
  const detail = `It must be the key of the function ${keyOf(verb)}; locally keys.${
    verb === "train" ? "orders" : "rollout"
  } in .noon/stack.json.`;
  return new Problem(401, "The orders key was refused", detail);
}
