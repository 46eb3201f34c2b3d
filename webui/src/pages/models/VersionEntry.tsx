/** One challenger: the verdict with its reasons, the numbers, and where it comes from. */

import type { Version } from "../../api/types";
import { Badge, type Tone } from "../../components/Badge";
import { Icon } from "../../components/Icon";
import { count, fixed, instant, inUtc, signed, words } from "../../format";
import { Link } from "../../router";
import { whyHref } from "../../routing";

const ROLES: Record<Version["role"], Tone> = {
  champion: "good",
  rolling_out: "busy",
  former: "plain",
  given_up: "warn",
  refused: "bad",
};

export function VersionEntry({ version, model }: { version: Version; model: string }) {
  const { difference } = version;
  return (
    <li class="entry">
      <div class="entry-head">
        <h3>{version.version === null ? "No version" : `Version ${version.version}`}</h3>
        <Badge code={words(version.role)} tone={ROLES[version.role]} />
        <time class="muted small" dateTime={version.judged_at} title={inUtc(version.judged_at)}>
          {instant(version.judged_at)}
        </time>
        <span class="entry-figure number">
          {version.value === null ? "" : fixed(version.value)}
          {difference && (
            <span class="muted">
              {" "}
              {signed(difference.low)} to {signed(difference.high)}
            </span>
          )}
        </span>
      </div>
      <ul class="reasons">
        {version.reasons.map((reason) => (
          <li key={reason.code}>{reason.text}</li>
        ))}
      </ul>
      <details>
        <summary>Numbers and lineage</summary>
        <Lineage version={version} model={model} />
      </details>
    </li>
  );
}

function Lineage({ version, model }: { version: Version; model: string }) {
  const { lineage, difference } = version;
  return (
    <dl class="facts lineage">
      <dt>Verdict</dt>
      <dd>{version.verdict}</dd>
      {difference && (
        <>
          <dt>Difference</dt>
          <dd>
            {signed(difference.mean)} ({signed(difference.low)} to {signed(difference.high)}) to the{" "}
            {difference.compared_with}
          </dd>
        </>
      )}
      <dt>Champion then</dt>
      <dd>{fixed(version.champion_value)}</dd>
      <dt>Anchor</dt>
      <dd>{fixed(version.anchor_value)}</dd>
      <dt>Baseline</dt>
      <dd>{fixed(version.baseline_value)}</dd>
      <dt>Held-out rows</dt>
      <dd>{count(version.holdout_rows)}</dd>
      <dt>Job</dt>
      <dd>
        <Link href={whyHref(model, lineage.job)} class="mono">
          {lineage.job}
        </Link>{" "}
        <a href={lineage.studio_url} target="_blank" rel="noreferrer" class="out">
          studio
          <Icon name="out" />
        </a>
      </dd>
      <dt>Data version</dt>
      <dd class="mono">{lineage.data_version ?? "–"}</dd>
      <dt>Code</dt>
      <dd class="mono">{lineage.code_commit ?? "–"}</dd>
      <dt>Decision</dt>
      <dd>
        <Link
          href={whyHref(
            model,
            version.version === null ? lineage.job : `${model}:${version.version}`,
          )}
        >
          why
        </Link>{" "}
        <code>{version.decision_id}</code>
      </dd>
    </dl>
  );
}
