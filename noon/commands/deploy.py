"""`noon deploy components`: registers what training and serving need."""

from __future__ import annotations

import json
from dataclasses import asdict

from noon.failures import ExitCode
from noon.reach import use_stack_unless


def run_components(*, as_json: bool) -> int:
    """Register environments and components and make them the release."""
    use_stack_unless("NOON_SUBSCRIPTION_ID")
    # Late: the Azure libraries take seconds to import.
    from shared.bootstrap import release_components

    release = release_components()
    if as_json:
        print(json.dumps(asdict(release)))
    else:
        print(f"released {release.component} and serving environment {release.environment}")
    return ExitCode.OK
