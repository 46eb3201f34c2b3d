/** What can be ordered now, and why the rest cannot. */

import { useState } from "preact/hooks";
import type { OrderChoice, OrderTaken } from "../../api/types";
import { Link } from "../../router";
import { whyHref } from "../../routing";
import { OrderDialog } from "./OrderDialog";
import { ORDERS, type Verb } from "./orders";

interface OrdersCardProps {
  model: string;
  choices: readonly OrderChoice[];
  onTaken: () => void;
}

export function OrdersCard({ model, choices, onTaken }: OrdersCardProps) {
  const [asked, setAsked] = useState<Verb>();
  const [taken, setTaken] = useState<{ verb: Verb; order: OrderTaken }>();
  const kept = (verb: Verb) => (order: OrderTaken) => {
    setTaken({ verb, order });
    setAsked(undefined);
    onTaken();
  };
  const refused = choices.filter((choice) => !choice.possible && choice.why_not);
  return (
    <section class="card">
      <div class="card-head">
        <h2>Orders</h2>
        <p class="muted small">Each asks for a reason, a name and the orders key.</p>
      </div>
      <div class="row">
        {choices.map(({ verb, possible }) => (
          <button
            key={verb}
            type="button"
            class={ORDERS[verb].dangerous && possible ? "button danger" : "button"}
            disabled={!possible}
            onClick={() => setAsked(verb)}
          >
            {ORDERS[verb].title}
          </button>
        ))}
      </div>
      {taken && (
        <p class="notice good order-taken" role="status">
          <span>
            {ORDERS[taken.verb].title} is ordered as{" "}
            <Link href={whyHref(model, taken.order.order_id)}>{taken.order.order_id}</Link>: the
            next pass takes it in.
          </span>
        </p>
      )}
      {refused.length > 0 && (
        <details class="why-not small">
          <summary>Why some are not possible now</summary>
          <dl class="facts">
            {refused.map(({ verb, why_not }) => (
              <div key={verb} class="fact">
                <dt>{ORDERS[verb].title}</dt>
                <dd>{why_not}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
      {asked && (
        <OrderDialog
          model={model}
          verb={asked}
          onTaken={kept(asked)}
          onClose={() => setAsked(undefined)}
        />
      )}
    </section>
  );
}
