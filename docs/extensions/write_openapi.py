"""Writes docs/reference/openapi.json from the code: `make openapi`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "docs" / "reference" / "openapi.json"


def main() -> int:
    """Write the document that the function app serves."""
    # The app refuses to start without settings: those of the sample will do.
    from noon_reference import with_sample_settings

    with_sample_settings()
    from function_app.api.document import document_text

    PLACE.write_text(document_text(), encoding="utf-8")
    print(PLACE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
    sys.exit(main())
