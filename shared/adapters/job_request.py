"""What a training asks of its job, and how the same request is recognised again."""

from __future__ import annotations

import hashlib
import json

from shared.domain.state import Training

DIGEST_TAG = "noon_digest"
JOB_TAG = "noon_job"
TRACE_TAG = "traceparent"
"""The trace in which the job was submitted, as W3C writes it."""


def training_digest(training: Training) -> str:
    """A digest of everything that makes the job what it is; not of when or why it was asked."""
    parts = [
        training.job,
        training.component,
        training.manifest.path,
        training.spec_path,
        training.champion,
        training.anchor,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def job_tags(model: str, training: Training, traceparent: str = "") -> dict[str, str]:
    """Tags of the job, for people and for recognising it.

    The trace is that of whoever submits, so it is no part of the digest: the same job asked for
    again, in another trace, is the same job.
    """
    return {
        DIGEST_TAG: training_digest(training),
        "noon_model": model,
        "noon_cause": training.cause,
        **({TRACE_TAG: traceparent} if traceparent else {}),
    }
