"""`make lighthouse`: a stack with a story, and the median of three runs of Lighthouse on each page.

Outside of `make test`: it measures time, which a busy machine spoils.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Product
from tests.webui.story import MODEL, chromium, told_to_its_canary

ROOT = Path(__file__).parents[2]
LEAST = 95
PAGES = ("/models", f"/models/{MODEL}", f"/rollout/{MODEL}", f"/predict/{MODEL}")


def main() -> int:
    """Print the scores of each page as a line of JSON; 1 when one is below what is promised."""
    with tempfile.TemporaryDirectory() as home, told_to_its_canary(Path(home)) as product:
        told = [measured(product, page) for page in PAGES]
    load = os.getloadavg()[0]
    for each in told:
        print(json.dumps(each | {"load_average": round(load, 1)}))
    return int(any(score < LEAST for each in told for score in each["scores"].values()))


def measured(product: Product, page: str) -> dict[str, Any]:
    """The median scores of a page."""
    command = ["node", str(ROOT / "webui/lighthouse/measure.mjs")]
    url = product.stack.addresses.webui + page
    environment = {**os.environ, "NOON_KEY": product.key}
    done = subprocess.run(
        [*command, url, chromium()], env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


if __name__ == "__main__":
    sys.exit(main())
