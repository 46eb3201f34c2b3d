"""`make lighthouse`: a stack with a story, and the median of three runs of Lighthouse on each page.

Outside of `make test`: it measures time, which a busy machine spoils.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Product, flights_with_schedule, running_product
from tests.webui.conftest import FIRST, LAST, MODEL, STORY_SECONDS_MAX, champion_rules, story

ROOT = Path(__file__).parents[2]
LEAST = 95
PAGES = ("/models", f"/models/{MODEL}", f"/rollout/{MODEL}", f"/predict/{MODEL}")


def main() -> int:
    """Print the scores of each page as a line of JSON; 1 when one is below what is promised."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("no chromium on PATH: `make setup` installs it as root on Debian; else install it")
    noon = datetime.now(UTC) - timedelta(hours=2)
    models = {MODEL: story(flights_with_schedule(noon))}
    with (
        tempfile.TemporaryDirectory() as home,
        running_product(Path(home), models) as product,
    ):
        product.stack.noon("data", "push", MODEL, "--from", str(FIRST), "--to", str(LAST))
        product.wait(MODEL, champion_rules, STORY_SECONDS_MAX)
        told = [measured(product, page, chromium) for page in PAGES]
    load = os.getloadavg()[0]
    for each in told:
        print(json.dumps(each | {"load_average": round(load, 1)}))
    return int(any(score < LEAST for each in told for score in each["scores"].values()))


def measured(product: Product, page: str, chromium: str) -> dict[str, Any]:
    """The median scores of a page."""
    command = ["node", str(ROOT / "webui/lighthouse/measure.mjs")]
    url = product.stack.addresses.webui + page
    environment = {**os.environ, "NOON_KEY": product.key}
    done = subprocess.run(
        [*command, url, chromium], env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


if __name__ == "__main__":
    sys.exit(main())
