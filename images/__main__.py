"""`python -m images`: what `make images` and the workflow call. Needs Python alone to build."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from images.catalogue import IMAGES, ROOT, affected
from images.engine import registry_digest
from images.shell import ImagesError, run


def main() -> int:
    """Run one command and give its exit code."""
    parser = _parser()
    given = parser.parse_args()
    try:
        given.run(given)
    except ImagesError as error:
        print(f"images: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m images",
        description=__doc__,
        epilog="Examples: python -m images build noon-backend; python -m images changed --since v1",
    )
    commands = parser.add_subparsers(required=True)
    build = commands.add_parser("build", help="build images, all when none is named")
    build.add_argument("names", nargs="*", metavar="IMAGE", help=", ".join(IMAGES))
    build.add_argument(
        "--substitutes",
        action="store_true",
        help="where no registry can be reached, make bases from Debian's packages",
    )
    build.set_defaults(run=_build)
    bill = commands.add_parser("sbom", help="write what is installed in images as CycloneDX")
    bill.add_argument("names", nargs="*", metavar="IMAGE")
    bill.set_defaults(run=_bill)
    changed = commands.add_parser("changed", help="print, as JSON, which images a change concerns")
    changed.add_argument("--since", default="", help="commit; without it, or unknown: every image")
    changed.set_defaults(run=_changed)
    described = commands.add_parser(
        "describe", help="print an image as outputs of a workflow's step"
    )
    described.add_argument("name", metavar="IMAGE", choices=IMAGES)
    described.add_argument("--owner", required=True, help="whose packages on ghcr.io")
    described.add_argument("--branch", required=True)
    described.add_argument(
        "--pinned", action="store_true", help="bases by the digests that their registry gives now"
    )
    described.set_defaults(run=_describe)
    return parser


def _build(given: argparse.Namespace) -> None:
    from images.building import build

    built = build(given.names, substitutes=given.substitutes)
    print(json.dumps([asdict(one) for one in built], indent=2))


def _bill(given: argparse.Namespace) -> None:
    from images.materials import write_bill

    for name in given.names or IMAGES:
        print(write_bill(IMAGES[name]).relative_to(ROOT))


def _changed(given: argparse.Namespace) -> None:
    names = [image.name for image in affected(_paths_since(given.since))]
    print(json.dumps(names))


def _paths_since(commit: str) -> list[str]:
    """What changed since the commit; everything when nobody can say."""
    git = ["git", "-C", str(Path.cwd())]
    known = subprocess.run(  # noqa: S603 - git with a commit's id
        [*git, "rev-parse", "--quiet", "--verify", f"{commit}^{{commit}}"],
        capture_output=True,
        check=False,
    )
    if not commit or known.returncode:
        return run([*git, "ls-files"]).splitlines()
    return run([*git, "diff", "--name-only", "--no-renames", commit, "HEAD"]).splitlines()


def _describe(given: argparse.Namespace) -> None:
    from images.building import created_at, labels, revision

    image = IMAGES[given.name]
    digests = {tag: registry_digest(tag) for tag in image.bases.values()} if given.pinned else {}
    arguments = {
        name: f"{tag}@{digests[tag]}" if digests else tag for name, tag in image.bases.items()
    }
    labelled = labels(image, digests.get(image.bases["BASE"], "unknown"))
    place = f"ghcr.io/{given.owner.lower()}/{image.name}"
    tags = [f"{place}:{revision()}", f"{place}:{_tag(given.branch)}"]
    print(f"dockerfile={image.folder}/Dockerfile")
    print(f"created_at={created_at()}")
    for output, lines in (
        ("arguments", [f"{name}={value}" for name, value in arguments.items()]),
        ("labels", [f"{name}={value}" for name, value in labelled.items()]),
        ("tags", tags),
    ):
        print("\n".join([f"{output}<<END", *lines, "END"]))


def _tag(branch: str) -> str:
    """A branch's name as a tag, which takes no slash."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", branch)[:128]


if __name__ == "__main__":
    sys.exit(main())
