/** What the checks of the rollout saw of each deployment, newest first. */

import { Fragment } from "preact";
import type { Check, Rollout } from "../../api/types";
import { Badge } from "../../components/Badge";
import { More } from "../../components/More";
import { Empty } from "../../components/States";
import { count, instant, percent } from "../../format";
import { Link } from "../../router";
import { whyHref } from "../../routing";

/** The newest are what counts now; a canary that waits for callers is checked again and again. */
const CHECKS_SHOWN = 3;

export function ChecksCard({ rollout, model }: { rollout: Rollout; model: string }) {
  const { checks, deployment } = rollout;
  return (
    <section class="card">
      <div class="card-head">
        <h2>Checks</h2>
        <p class="muted small">
          {checks.length > 0 && (
            <Link href={whyHref(model, deployment)}>why {deployment} got its traffic</Link>
          )}
        </p>
      </div>
      {checks.length === 0 ? (
        <Empty title="No check yet">
          A step is checked when it has soaked; a rollout at once, or of a container, has no steps.
        </Empty>
      ) : (
        <More all={checks} first={CHECKS_SHOWN}>
          {(shown) => (
            <ol class="entries">
              {shown.map((check) => (
                <CheckEntry key={check.decision_id} check={check} />
              ))}
            </ol>
          )}
        </More>
      )}
    </section>
  );
}

function CheckEntry({ check }: { check: Check }) {
  return (
    <li class="entry">
      <div class="entry-head">
        <Badge code={check.outcome} />
        <h3>at {check.share} %</h3>
        <time class="muted small" dateTime={check.at}>
          {instant(check.at)}
        </time>
      </div>
      <p>{check.text}</p>
      {check.deployments.length > 0 && (
        <dl class="numbers">
          {check.deployments.map((each) => (
            <Fragment key={each.deployment}>
              <dt class="mono">{each.deployment}</dt>
              <dd>
                <span class="number">{count(each.requests)} requests</span>
                <span class="number">{percent(each.failure_rate)} failed</span>
                <span class="number">p95 {each.latency_ms_p95.toFixed(0)} ms</span>
                {each.topped_up > 0 && (
                  <span class="number muted">{count(each.topped_up)} topped up</span>
                )}
              </dd>
            </Fragment>
          ))}
        </dl>
      )}
    </li>
  );
}
