"""What every Prober keeps to; the real one asks a real deployment at 0 % traffic."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from azure_emulator.testing import free_port

from shared.adapters.credential import LazyCredential
from shared.adapters.memory.prober import MemoryProber
from shared.adapters.prober import AzureProber
from shared.domain.facts import Probe, SmokeFacts
from shared.domain.state import Subject
from shared.ports import Prober


@dataclass(frozen=True)
class ProberUnderTest:
    """A prober and a deployment that answers well."""

    prober: Prober
    scoring_uri: str
    deployment: str = "v1-e1"

    def asked(self, *rows: dict[str, object]) -> SmokeFacts:
        """What the deployment says to these rows."""
        return self.prober.smoke(self.scoring_uri, self.deployment, rows)


@pytest.fixture(params=["memory", "azure"])
def prober(request: pytest.FixtureRequest) -> ProberUnderTest:
    """A deployment that is asked directly."""
    if request.param == "memory":
        return ProberUnderTest(MemoryProber(), "https://somewhere.invalid/score")
    azure: ProberUnderTest = request.getfixturevalue("azure_prober")
    return azure


@pytest.fixture
def azure_prober(azure_endpoint, credential: LazyCredential, unique: str) -> ProberUnderTest:
    """A real deployment without traffic."""
    azure_endpoint.endpoint.create(unique)
    azure_endpoint.settled()
    azure_endpoint.endpoint.deploy(unique, Subject(1, 1), "Standard_DS3_v2", 1)
    facts = azure_endpoint.settled()
    assert facts.traffic == {}
    return ProberUnderTest(AzureProber(credential), facts.scoring_uri)


def test_deployment_that_answers_passes(prober: ProberUnderTest) -> None:
    """A finite prediction for each row is what is wanted."""
    assert prober.asked({"a": 1}, {"a": 2}) == SmokeFacts(Probe.PASSED, "2 of 2 rows answered")


def test_nothing_to_ask_is_no_data(prober: ProberUnderTest) -> None:
    """Without rows nothing is learned, which is not a pass."""
    assert prober.asked().probe is Probe.NO_DATA


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("error", "424"),
        ("nan", "1 of 1 predictions are not finite"),
        ("none", "1 of 1 predictions are not finite"),
        ("few", "0 predictions for 1 rows"),
        ("text", "no predictions"),
        ("other", "no predictions"),
    ],
)
def test_bad_answers_fail(azure_prober: ProberUnderTest, answer: str, said: str) -> None:
    """An error of the container, or an answer without sense, is the deployment's failure."""
    facts = azure_prober.asked({"answer": answer})
    assert facts.probe is Probe.FAILED
    assert said in facts.text


def test_unknown_deployment_is_no_data(azure_prober: ProberUnderTest) -> None:
    """Whoever cannot be asked has neither passed nor failed."""
    facts = azure_prober.prober.smoke(azure_prober.scoring_uri, "v9-e9", [{"a": 1}])
    assert facts.probe is Probe.NO_DATA


def test_endpoint_out_of_reach_is_no_data(credential: LazyCredential) -> None:
    """A connection that fails says nothing about the model."""
    uri = f"https://127.0.0.1:{free_port()}/score"
    facts = AzureProber(credential).smoke(uri, "v1-e1", [{"a": 1}])
    assert facts.probe is Probe.NO_DATA
    assert facts.text.startswith("not reached")
