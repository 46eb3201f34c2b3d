"""The unmodified SDK against a workspace inside this process."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.ai.ml import MLClient, Output, command
from azure.ai.ml.entities import Data, Environment, ManagedOnlineEndpoint, Model
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure_emulator.conformance.rest_models import problems
from azure_emulator.in_process import InProcessAzure
from azure_emulator.in_process.memory_blobs import MemoryBlobs
from azure_emulator.in_process.transport import CallTransport
from azure_emulator.testing import wait_until

EMULATOR = Path(__file__).resolve().parents[2]
STORE = "azureml://datastores/workspaceblobstore/paths"


@pytest.fixture
def azure(tmp_path: Path) -> Iterator[InProcessAzure]:
    """A workspace whose calls are held against the SDK's REST models at the end."""
    calls = tmp_path / "calls.jsonl"
    with InProcessAzure(record=calls) as azure:
        yield azure
    wrong = {each for line in calls.read_text().splitlines() for each in problems(json.loads(line))}
    assert wrong == set()


@pytest.fixture
def client(azure: InProcessAzure) -> MLClient:
    """Its client."""
    return azure.client()


def test_the_cloud_of_the_process_is_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client of the workspace inside leaves the next client its own cloud."""
    monkeypatch.setenv("AZUREML_CURRENT_CLOUD", "AzureLocal")
    with InProcessAzure() as inside:
        inside.client()
    assert os.environ["AZUREML_CURRENT_CLOUD"] == "AzureLocal"


def test_assets_are_registered_and_found(client: MLClient) -> None:
    """Data, environments and models by name, version and label."""
    made = Data(name="rows", version="1", path=f"{STORE}/rows.csv", type="uri_file")
    client.data.create_or_update(made)
    assert client.data.get("rows", label="latest").path.endswith("/paths/rows.csv")
    client.environments.create_or_update(Environment(name="tools", version="3", image="tools:3"))
    assert [each.name for each in client.environments.list()] == ["tools"]
    client.models.create_or_update(Model(name="m", version="2", path=f"{STORE}/m/"))
    assert [each.version for each in client.models.list("m")] == ["2"]
    with pytest.raises(ResourceNotFoundError):
        client.models.get("m", "3")


def test_a_job_runs_and_its_output_is_in_memory(azure: InProcessAzure, client: MLClient) -> None:
    """The command is a real process; its files come from and go to blobs in memory."""
    job = client.jobs.create_or_update(
        command(
            command="echo done > ${{outputs.out}}/said.txt",
            outputs={"out": Output(type="uri_folder", path=f"{STORE}/out/")},
            environment=Environment(image="any:1"),
            compute="cpu-cluster",
        )
    )
    wait_until(lambda: client.jobs.get(job.name).status == "Completed", what="the job")
    blob = azure.blobs().get_blob_client("azureml-blobstore", "out/said.txt")
    assert blob.download_blob().readall() == b"done\n"
    assert [each.name for each in client.jobs.list()] == [job.name]


def test_endpoints_come_and_go(client: MLClient) -> None:
    """Long-running operations end at once, and waiting for them takes no time."""
    made = ManagedOnlineEndpoint(name="desk", auth_mode="key")
    assert client.online_endpoints.begin_create_or_update(made).result().name == "desk"
    assert client.online_endpoints.get_keys("desk").primary_key
    client.online_endpoints.begin_delete("desk").result()
    with pytest.raises(ResourceNotFoundError):
        client.online_endpoints.get("desk")


def test_faults_hit_here_too(azure: InProcessAzure, client: MLClient) -> None:
    """A rule is added without HTTP; a wrong one is refused."""
    azure.control("POST", "faults", {"operation": "Jobs.Get", "status": 400, "code": "UserError"})
    with pytest.raises(HttpResponseError, match="UserError"):
        client.jobs.get("any")
    with pytest.raises(ValueError, match="colour"):
        azure.control("POST", "faults", {"operation": "Jobs.Get", "colour": "blue"})


def test_two_workspaces_know_nothing_of_each_other() -> None:
    """Tests in one process do not meet; a home of one's own survives."""
    with InProcessAzure() as one, InProcessAzure() as other:
        one.client().environments.create_or_update(Environment(name="e", version="1", image="e:1"))
        assert [each.name for each in other.client().environments.list()] == []


def test_the_environment_of_the_process_stays() -> None:
    """A client of the real Azure, or of another emulator, can be made afterwards as before."""
    with InProcessAzure() as azure, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AZUREML_CURRENT_CLOUD", "AzureLocal")
        before = dict(os.environ)
        azure.client()
        assert dict(os.environ) == before
        patch.delenv("AZUREML_CURRENT_CLOUD")
        azure.client()
        assert "AZUREML_CURRENT_CLOUD" not in os.environ


def test_a_home_is_kept(tmp_path: Path) -> None:
    """What was registered is there the next time."""
    with InProcessAzure(tmp_path) as azure:
        made = Environment(name="e", version="1", image="e:1")
        azure.client().environments.create_or_update(made)
    with InProcessAzure(tmp_path) as azure:
        assert azure.client().environments.get("e", "1").image == "e:1"


def test_no_socket_is_opened(tmp_path: Path) -> None:
    """Neither the SDK nor the emulator connects or listens: the interpreter itself watches."""
    script = tmp_path / "watched.py"
    script.write_text(
        "import sys\n"
        "seen = []\n"
        "wanted = ('socket.connect', 'socket.bind', 'socket.getaddrinfo')\n"
        "from azure.ai.ml import MLClient\n"
        "from azure.ai.ml.entities import Environment\n"
        "from azure_emulator.in_process import InProcessAzure\n"
        "sys.addaudithook(lambda name, args: seen.append(name) if name in wanted else None)\n"
        "with InProcessAzure() as azure:\n"
        "    client = azure.client()\n"
        "    client.environments.create_or_update(Environment(name='e', image='e:1'))\n"
        "    print(len(list(client.datastores.list())), seen)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.splitlines()[-1:] == ["2 []"], done.stderr[-2000:]


def test_the_examples_of_the_readme_pass(tmp_path: Path) -> None:
    """The README's test file, unchanged, with the fixtures that pytest finds."""
    readme = (EMULATOR / "README.md").read_text()
    code = re.search(r"## In unit tests.*?```python\n(.*?)```", readme, re.DOTALL)
    assert code
    (tmp_path / "test_example.py").write_text(code[1])
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "azure_emulator.pytest_plugin",
            "-p",
            "no:xdist",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert f"{code[1].count('def test_')} passed" in done.stdout


def test_blobs_in_memory_are_read_as_from_the_service() -> None:
    """Blocks, ranges, prefixes, conditions and errors, through the real library."""
    from azure.core.exceptions import ResourceExistsError
    from azure.storage.blob import BlobServiceClient

    account = BlobServiceClient(
        "https://memory.invalid/name",
        credential={"account_name": "name", "account_key": "a2V5"},
        transport=CallTransport(MemoryBlobs("name").answer),
        max_single_put_size=10,
        max_block_size=10,
        max_single_get_size=10,
        max_chunk_get_size=10,
    )
    container = account.create_container("box")
    with pytest.raises(ResourceExistsError):
        account.create_container("box")
    content = bytes(range(35))
    container.upload_blob("a/b.bin", content, metadata={"kind": "test"})
    container.upload_blob("c.txt", b"")
    with pytest.raises(ResourceExistsError):
        container.upload_blob("c.txt", b"again")
    assert container.download_blob("a/b.bin").readall() == content
    assert container.download_blob("a/b.bin", offset=5, length=4).readall() == content[5:9]
    assert container.download_blob("c.txt").readall() == b""
    assert [each.name for each in container.list_blobs("a/")] == ["a/b.bin"]
    assert [each.name for each in container.walk_blobs()] == ["a/", "c.txt"]
    assert container.get_blob_client("a/b.bin").get_blob_properties().metadata == {"kind": "test"}
    container.delete_blob("c.txt")
    with pytest.raises(ResourceNotFoundError):
        container.download_blob("c.txt")
    assert [each.name for each in account.list_containers()] == ["box"]
