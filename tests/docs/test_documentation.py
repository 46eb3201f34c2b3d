"""The documentation builds without a warning, and what it says of the code is the code's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shared.settings import Settings
from tests.docs.test_links import broken_links

ROOT = Path(__file__).resolve().parents[2]


# Beside other work the pages take minutes, which the first test that asks for them waits for.
pytestmark = pytest.mark.timeout(1000)


@pytest.fixture(scope="module")
def documentation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation as HTML, built as `make docs` does it."""
    out = tmp_path_factory.mktemp("documentation")
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet"]
    built = subprocess.run(
        [*command, "--doctree-dir", str(out / "trees"), "docs", str(out / "html")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return out / "html"


def test_every_page_is_there(documentation: Path) -> None:
    """Each Markdown file becomes a page, and one of them draws."""
    pages = {
        path.relative_to(ROOT / "docs").with_suffix(".html")
        for path in (ROOT / "docs").rglob("*.md")
        if not {"_build", "extensions"} & set(path.parts)
    }
    assert {str(page) for page in pages if not (documentation / page).exists()} == set()
    assert "<svg" in (documentation / "architecture.html").read_text() or any(
        documentation.rglob("*.svg")
    )


def test_every_command_setting_key_and_function_is_in_the_reference(documentation: Path) -> None:
    """Written from the code, so that nothing is missing and nothing grows old."""
    commands = (documentation / "reference" / "cli.html").read_text()
    assert "noon data push" in commands
    assert "Exit codes: 0 told" in commands
    settings = (documentation / "reference" / "settings.html").read_text()
    names = [
        str(field.validation_alias or f"NOON_{name.upper()}")
        for name, field in Settings.model_fields.items()
    ]
    assert [name for name in names if f"{name}<" not in settings] == []
    keys = (documentation / "reference" / "model-file.html").read_text()
    assert "hand_changed" in keys
    functions = (documentation / "reference" / "functions.html").read_text()
    assert "job_finished" in functions
    api = documentation / "reference" / "api" / "shared" / "domain" / "promotion" / "index.html"
    assert api.exists()
    testing = (documentation / "reference" / "emulator-testing.html").read_text()
    assert "ml_client_in_process" in testing
    assert "start_emulator(" in testing


def test_every_link_of_the_pages_leads_somewhere(documentation: Path) -> None:
    """To a page or a file that is there, and to a place in it where one is named."""
    assert broken_links(documentation) == []
