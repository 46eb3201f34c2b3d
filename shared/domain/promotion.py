"""The gate: is the challenger to replace the champion?

Pure: metrics, policy, the champion as we know it and the time go in; a verdict with reasons
comes out. All models were scored on the same holdout rows, so differences are paired; intervals
are percentile bootstraps of that difference (Efron and Tibshirani, 1993, chapter 13). A challenger
as good as an old champion passes by non-inferiority: the interval excludes being worse than a
margin.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.domain.decision import Reason
from shared.domain.errors import MalformedError
from shared.domain.metrics import Metrics, Scored, read_metrics
from shared.domain.policy import GatePolicy
from shared.domain.state import Acceptance, Champion, Score, Training


@dataclass(frozen=True, slots=True)
class Promote:
    """The challenger becomes a version and is rolled out."""

    reasons: tuple[Reason, ...]
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Retain:
    """The champion stays; every rule that the challenger broke is a reason."""

    reasons: tuple[Reason, ...]
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Halt:
    """Nothing can be concluded: the evidence is malformed, or the holdout is suspect."""

    reasons: tuple[Reason, ...]
    metrics: Metrics | None = None
    """Where they could be read and are of this training, for what they say of the champion."""


Verdict = Promote | Retain | Halt


def judge(
    text: str | None,
    training: Training,
    champion: Champion | None,
    policy: GatePolicy,
    now: datetime,
    holdout: str | None = None,
) -> Verdict:
    """The verdict on the challenger of a completed job, from its metrics.json.

    `holdout` is the digest of the rows that the job's first step held out, if it left word.
    """
    try:
        metrics = read_metrics(text)
    except MalformedError as error:
        return Halt((Reason("malformed", str(error)),))
    strange = _strange(metrics, training, holdout) or _contradictions(metrics)
    if strange:
        return Halt(strange)
    compared = training.accepted.champion if training.accepted else training.champion
    if (champion.version.number if champion else None) != compared:
        return Retain((_outdated(metrics.champion, champion),), metrics)
    suspect = _suspect_holdout(metrics, policy)
    if suspect:
        return Halt((suspect,), metrics)
    broken = tuple(reason for rule in _RULES for reason in rule(metrics, policy))
    if training.accepted is not None:
        against, passed = _uncompared(metrics, training.accepted), True
    else:
        against, passed = _against_champion(metrics, champion, policy, now)
    if broken or not passed:
        return Retain((*(() if passed else (against,)), *broken), metrics)
    return Promote((against,), metrics)


def score_of(metrics: Metrics) -> Score:
    """What is remembered of a promoted version."""
    difference = metrics.versus_champion or metrics.versus_baseline
    against = (
        f"champion {metrics.champion.version}"
        if metrics.champion
        else f"baseline {metrics.baseline_name}"
    )
    return Score(
        metric=metrics.metric,
        higher_is_better=metrics.higher_is_better,
        value=metrics.challenger,
        low=difference.low,
        high=difference.high,
        compared_with=against,
        trained_rows=metrics.trained_rows,
        landed_rows=metrics.landed_rows,
        holdout_rows=metrics.holdout_rows,
    )


def _strange(metrics: Metrics, training: Training, holdout: str | None) -> tuple[Reason, ...]:
    """The metrics are of something else than what was asked for."""
    # As text: whether two versions differ is all that matters here.
    asked = str(training.champion) if training.champion is not None else "none"
    scored = str(metrics.champion.version) if metrics.champion else "none"
    anchored = str(metrics.anchor.version) if metrics.anchor else "none"
    wished = str(training.anchor) if training.anchor is not None else "none"
    checks = (
        ("wrong_job", "job", training.job, metrics.job),
        ("wrong_data", "data version", training.manifest.data_version, metrics.data_version),
        ("wrong_holdout", "holdout", holdout or metrics.holdout_digest, metrics.holdout_digest),
        ("wrong_champion", "champion", asked, scored),
        ("wrong_anchor", "anchor", wished, anchored),
    )
    return tuple(
        Reason(code, f"metrics.json is about {what} {got}, expected {expected}")
        for code, what, expected, got in checks
        if expected != got
    )


def _contradictions(metrics: Metrics) -> tuple[Reason, ...]:
    """A difference that points the other way than the two values do was computed wrongly."""
    pairs = (
        (f"baseline {metrics.baseline_name}", metrics.baseline, metrics.versus_baseline),
        *(
            (f"{whom} {scored.version}", scored.value, difference)
            for whom, scored, difference in (
                ("champion", metrics.champion, metrics.versus_champion),
                ("anchor", metrics.anchor, metrics.versus_anchor),
            )
            if scored is not None and difference is not None
        ),
    )
    found = []
    for whom, value, difference in pairs:
        gain = metrics.gain(metrics.challenger, value)
        if gain * difference.mean < 0 and not difference.low <= gain <= difference.high:
            text = (
                f"the difference to {whom} is said to be {difference}, the values say {gain:+.4f}"
            )
            found.append(Reason("contradiction", text))
    return tuple(found)


def _outdated(scored: Scored | None, champion: Champion | None) -> Reason:
    """While the job ran, another version became champion; nothing was compared with that one."""
    compared = f"champion {scored.version}" if scored else "no champion"
    present = f"version {champion.version.number}" if champion else "none"
    return Reason("champion_changed", f"compared with {compared}, but the champion is {present}")


def _suspect_holdout(metrics: Metrics, policy: GatePolicy) -> Reason | None:
    """A champion that fails on the new holdout says more about the holdout than about itself."""
    if metrics.champion is None:
        return None
    gain = metrics.gain(metrics.champion.value, metrics.baseline)
    if gain >= policy.champion_floor:
        return None
    return Reason(
        "suspect_holdout",
        f"champion {metrics.champion.version} has {metrics.metric} {metrics.champion.value:.4f} on "
        f"the new holdout, {gain:+.4f} against the baseline; at least "
        f"{policy.champion_floor:+.4f} was expected: are the newest labels right?",
    )


def _enough_rows(metrics: Metrics, policy: GatePolicy) -> list[Reason]:
    if metrics.holdout_rows >= policy.holdout_rows_min:
        return []
    text = f"the holdout has {metrics.holdout_rows} rows, {policy.holdout_rows_min} are needed"
    return [Reason("too_few_rows", text)]


def _above_baseline(metrics: Metrics, policy: GatePolicy) -> list[Reason]:
    gain = metrics.gain(metrics.challenger, metrics.baseline)
    if metrics.versus_baseline.low > 0:
        if gain >= policy.champion_floor:
            return []
        # As champion it would make every holdout suspect, and nothing could follow it any more.
        text = f"{metrics.metric} {metrics.challenger:.4f} is {gain:+.4f} against the baseline"
        floor = f"a champion needs {policy.champion_floor:+.4f}"
        return [Reason("below_floor", f"{text}, {floor}")]
    text = (
        f"{metrics.metric} {metrics.challenger:.4f} is not surely above the baseline "
        f"{metrics.baseline_name} {metrics.baseline:.4f}: {metrics.versus_baseline}"
    )
    return [Reason("not_above_baseline", text)]


def _slices(metrics: Metrics, policy: GatePolicy) -> list[Reason]:
    """A slice counts as worse when it is so beyond the margin, and not by chance alone."""
    return [
        Reason("slice_worse", f"slice {part.name} ({part.rows} rows) is worse: {part.difference}")
        for part in metrics.slices
        if part.difference is not None
        and part.rows >= policy.slice_rows_min
        and part.difference.mean < -policy.slice_margin
        and part.difference.high < 0
    ]


def _anchor(metrics: Metrics, policy: GatePolicy) -> list[Reason]:
    """Many small steps down, each inside the margin, add up; the anchor does not move with them."""
    if metrics.anchor is None or metrics.versus_anchor is None:
        return []
    difference = metrics.versus_anchor
    if difference.mean >= 0 or difference.low > -policy.margin:
        return []
    text = f"worse than version {metrics.anchor.version}, the best of the last ones: {difference}"
    return [Reason("worse_than_anchor", text)]


def _parity(metrics: Metrics, policy: GatePolicy) -> list[Reason]:
    reasons = []
    if metrics.parity_rows == 0:
        reasons.append(Reason("no_parity", "the exported model was not compared with the trained"))
    elif metrics.parity_flipped * 1e6 > policy.parity_flips_per_million_max * metrics.parity_rows:
        text = f"the exported model differs in {metrics.parity_flipped} of {metrics.parity_rows}"
        reasons.append(Reason("export_differs", f"{text} answers from the trained one"))
    if metrics.parity_difference > policy.parity_difference_max:
        text = f"the exported model is off by up to {metrics.parity_difference:.3g}"
        reasons.append(Reason("export_differs", f"{text} from the trained one"))
    return reasons


def _answers(metrics: Metrics, policy: GatePolicy) -> list[Reason]:
    reasons = []
    if metrics.sample_rows == 0:
        reasons.append(Reason("no_sample", "the model answered no sample row"))
    if metrics.latency_ms_p95 > policy.latency_ms_p95_max:
        text = f"one row takes {metrics.latency_ms_p95:.1f} ms at the 95th percentile"
        reasons.append(Reason("too_slow", f"{text}, {policy.latency_ms_p95_max:g} are allowed"))
    return reasons


_RULES = (_enough_rows, _above_baseline, _slices, _anchor, _parity, _answers)


def _uncompared(metrics: Metrics, accepted: Acceptance) -> Reason:
    """Somebody vouches for it instead of the comparison; the other rules hold as ever."""
    value = f"{metrics.metric} {metrics.challenger:.4f}"
    over = f"baseline {metrics.baseline_name} {metrics.baseline:.4f}: {metrics.versus_baseline}"
    text = f"{value}, not compared with champion {accepted.champion}, over {over}; {accepted.words}"
    return Reason("accepted", text)


def _against_champion(
    metrics: Metrics, champion: Champion | None, policy: GatePolicy, now: datetime
) -> tuple[Reason, bool]:
    """The reason for or against, and whether it is for."""
    value = f"{metrics.metric} {metrics.challenger:.4f}"
    if champion is None or metrics.versus_champion is None:
        over = f"baseline {metrics.baseline_name} {metrics.baseline:.4f}"
        return Reason("first", f"{value}, the first over {over}: {metrics.versus_baseline}"), True
    difference, number = metrics.versus_champion, champion.version.number
    paired = f"paired difference to champion {number}: {difference}"
    if difference.low > 0:
        return Reason("better", f"{value} is better, {paired}"), True
    if difference.high < 0:
        return Reason("worse", f"{value} is worse, {paired}"), False
    age = now - champion.version.promoted_at
    if difference.low <= -policy.margin:
        text = f"{value} may be worse by more than {policy.margin:g}, {paired}"
        return Reason("maybe_worse", text), False
    if age >= policy.refresh_after:
        text = f"{value} is as good, the champion is {age.days} days old, {paired}"
        return Reason("refresh", text), True
    text = f"{value} is a tie and the champion only {age.days} days old, {paired}"
    return Reason("tie", text), False
