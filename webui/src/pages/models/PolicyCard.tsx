/** What the model's file allows. */

import type { ModelDetail } from "../../api/types";
import { words } from "../../format";

export function PolicyCard({ model }: { model: ModelDetail }) {
  const parts = [
    ["Retraining", model.policy.retraining],
    ["Gate", model.policy.gate],
    ["Rollout", model.policy.rollout],
  ] as const;
  return (
    <section class="card">
      <details>
        <summary>
          Policy, as <code>models/{model.name}.toml</code> has it
        </summary>
        <div class="cards policy">
          {parts.map(([title, policy]) => (
            <div key={title}>
              <h3>{title}</h3>
              <dl class="facts">
                {Object.entries(policy).map(([name, value]) => (
                  <div key={name} class="fact">
                    <dt>{words(name)}</dt>
                    <dd>{Array.isArray(value) ? value.join(", ") : String(value)}</dd>
                  </div>
                ))}
              </dl>
            </div>
          ))}
        </div>
      </details>
    </section>
  );
}
