"""The Bicep files as text: no compiler is here, so what can be read is compared."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_bicep

from shared.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
FILES = sorted(INFRA.rglob("*.bicep"))
OF_THE_DEPLOYMENT = {"NOON_COMPONENTS_DIR"}
"""Read by `noon deploy`, which does not run in the app."""


def names(paths: list[Path]) -> list[str]:
    """Readable ids of a parametrised test."""
    return [str(path.relative_to(INFRA)) for path in paths]


@pytest.mark.parametrize("path", FILES, ids=names(FILES))
def test_every_file_is_bicep(path: Path) -> None:
    """By its grammar; types and versions are for the compiler."""
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bicep.language()))
    root = parser.parse(path.read_bytes()).root_node
    wrong = []
    nodes = [root]
    while nodes:
        node = nodes.pop()
        nodes += node.children
        if node.type == "ERROR" or node.is_missing:
            wrong.append(node.start_point.row + 1)
    assert wrong == []


@pytest.mark.parametrize("path", FILES, ids=names(FILES))
def test_every_parameter_is_described(path: Path) -> None:
    """Who deploys reads descriptions, not code."""
    lines = path.read_text().splitlines()
    bare = []
    for number, line in enumerate(lines):
        if line.startswith("param "):
            above = number - 1
            while above >= 0 and lines[above].startswith("@") and "description" not in lines[above]:
                above -= 1
            if not lines[above].startswith("@description("):
                bare.append(line.split()[1])
    assert bare == []


def test_endpoints_and_deployments_are_left_to_the_control_plane() -> None:
    """An endpoint that is written without its traffic map loses all traffic."""
    text = "\n".join(path.read_text() for path in FILES)
    resources = re.findall(r"resource \w+ '([^'@]+)@", text)
    assert "Microsoft.Web/sites" in resources
    assert [each for each in resources if "onlineEndpoints" in each] == []


def test_no_key_opens_anything() -> None:
    """Storage takes identities alone, and no module gives out a key."""
    storage = (INFRA / "modules" / "storage.bicep").read_text()
    assert "allowSharedKeyAccess: false" in storage
    outputs = [
        line
        for path in FILES
        for line in path.read_text().splitlines()
        if line.startswith("output")
    ]
    assert [line for line in outputs if re.search(r"listKeys|Key\b|secret", line)] == []


def test_the_settings_of_bicep_the_sample_and_the_code_agree() -> None:
    """A setting that is missing stops the app; one too many is a word that nobody reads."""
    bicep = (INFRA / "modules" / "function-app.bicep").read_text()
    shared = {str(f.validation_alias) for f in Settings.model_fields.values() if f.validation_alias}
    in_bicep = set(re.findall(r"^    (NOON_\w+|\w+_SCHEDULE):", bicep, re.M))
    sample = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    in_sample = {name for name in sample if name.startswith("NOON_") or name.endswith("_SCHEDULE")}
    fields = Settings.model_fields
    in_code = {f"NOON_{name.upper()}" for name in fields if not fields[name].validation_alias}
    assert in_bicep == in_sample - OF_THE_DEPLOYMENT
    assert in_code == {name for name in in_sample if name.startswith("NOON_")}
    assert shared <= set(sample)
    assert shared <= set(re.findall(r"^    (APPLICATIONINSIGHTS_\w+):", bicep, re.M))


def test_subscriptions_name_functions_that_exist() -> None:
    """Event Grid would take a wrong name without a word."""
    wanted = set(re.findall(r"/functions/(\w+)'", (INFRA / "events.bicep").read_text()))
    code = (ROOT / "function_app" / "events.py").read_text()
    assert wanted == set(re.findall(r'function_name\("(\w+)"\)', code))


def test_what_azd_passes_on_is_what_bicep_gives_and_takes() -> None:
    """Outputs become variables of the hook; parameters come from variables."""
    main = (INFRA / "main.bicep").read_text()
    given = set(re.findall(r"^output (\w+)", main, re.M))
    used = set(re.findall(r"\$(AZURE_RESOURCE_GROUP|NOON_\w+)", (ROOT / "azure.yaml").read_text()))
    assert used <= given
    parameters = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    assert set(parameters) <= set(re.findall(r"^param (\w+)", main, re.M))


@pytest.mark.parametrize("path", FILES, ids=names(FILES))
def test_every_name_is_used(path: Path) -> None:
    """The compiler warns of a parameter, a variable or an existing resource that nobody reads."""
    text = re.sub(r"(?m)^\s*//.*$", "", path.read_text())
    declared = re.findall(r"^(?:param|var) (\w+)", text, re.M)
    declared += re.findall(r"^resource (\w+) '[^']+' existing", text, re.M)
    assert declared
    assert [name for name in declared if len(re.findall(rf"\b{name}\b", text)) < 2] == []


@pytest.mark.parametrize("path", FILES, ids=names(FILES))
def test_no_address_is_that_of_one_cloud(path: Path) -> None:
    """The compiler warns of hosts that differ between clouds; `environment()` knows them."""
    hosts = r"core\.windows\.net|login\.microsoftonline\.com|management\.azure\.com"
    assert re.findall(hosts, path.read_text()) == []


def test_a_resource_type_has_one_version() -> None:
    """Two versions of a type would be two opinions about its properties."""
    types: dict[str, set[str]] = {}
    for path in FILES:
        for name, version in re.findall(r"'(Microsoft\.[\w./]+)@([\w-]+)'", path.read_text()):
            types.setdefault(name, set()).add(version)
    assert {name: found for name, found in types.items() if len(found) > 1} == {}
    assert [name for name, found in types.items() if "preview" in " ".join(found)] == []


def test_every_stage_has_its_parameters() -> None:
    """A file of parameters says all that has no default, and nothing that main does not take."""
    main = (INFRA / "main.bicep").read_text()
    needed = set(re.findall(r"^param (\w+) [^=\n]+$", main, re.M))
    taken = set(re.findall(r"^param (\w+)", main, re.M))
    for stage in ("dev", "test", "prod"):
        text = (INFRA / f"{stage}.bicepparam").read_text()
        said = set(re.findall(r"^param (\w+) =", text, re.M))
        assert text.startswith("using './main.bicep'")
        assert needed <= said <= taken
        assert f"param stage = '{stage}'" in text


def test_what_a_module_takes_and_may_lack_is_passed_on() -> None:
    """A parameter with an empty default that nobody passes is a promise that is not kept."""
    for path in (INFRA / "main.bicep", INFRA / "events.bicep"):
        for part in path.read_text().split("\nmodule ")[1:]:
            module = re.search(r"'(modules/[\w-]+\.bicep)'", part)
            assert module is not None
            optional = re.findall(
                r"^param (\w+) \S+ = (?:''|\[\]|0)$", (INFRA / module[1]).read_text(), re.M
            )
            passed = set(re.findall(r"^ +(\w+):", part.partition("\n}")[0], re.M))
            assert set(optional) <= passed, module[1]


def test_every_role_is_told_with_its_reason() -> None:
    """Least privilege can be judged only where who, what, where and why stand side by side."""
    granted, definitions = set(), set()
    for path in FILES:
        text = path.read_text()
        definitions |= set(re.findall(r"^  (\w+): '([0-9a-f]{8}-[0-9a-f-]{27})'", text, re.M))
        granted |= {(path.stem, role) for role in re.findall(r"\broles\.(\w+)", text)}
    page = (ROOT / "docs" / "azure.md").read_text()
    rows = re.findall(r"^\| [^|]+ \| [^|]+ `(\w+)` \| [^|]+ `([\w-]+)` \| [^|]+\S ?\|$", page, re.M)
    assert granted == {(module, role) for role, module in rows}
    assert len(definitions) == len(dict(definitions)) == len({guid for _, guid in definitions})
