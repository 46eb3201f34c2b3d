"""What the probes work with: a client, local files, and the resources that they make."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azure.ai.ml import Output, command, dsl
from azure.ai.ml.constants import TimeZone
from azure.ai.ml.data_transfer import Database
from azure.ai.ml.entities import (
    AccountKeyConfiguration,
    AmlCompute,
    AzureBlobDatastore,
    DataImport,
    Environment,
    JobSchedule,
    ManagedOnlineDeployment,
    ModelPackage,
    Registry,
    RegistryRegionDetails,
)
from azure.ai.ml.entities import (
    RecurrenceTrigger as Recurrence,
)
from azure.ai.ml.entities._assets._artifacts._package.inferencing_server import (
    AzureMLOnlineInferencingServer,
)

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

IMAGE = "probe-container:1"
CONTAINER = f"python {Path(__file__).with_name('container.py')} {{port}}"
"""What stands for the image: an option of `serve`."""
STORE = "azureml://datastores/workspaceblobstore/paths/probe"
ENDED = ("Completed", "Failed", "Canceled")
JOB_SECONDS = 60.0


@dataclass(slots=True)
class World:
    """A client, a folder for local files, and the names of what the probes have made."""

    client: MLClient
    folder: Path
    made: dict[str, str] = field(default_factory=dict)

    def job(self, seconds: int = 0) -> Any:
        """Give a command job as it is submitted."""
        (self.folder / "code").mkdir(exist_ok=True)
        (self.folder / "code" / "said.txt").write_text("said")
        return command(
            command=f"sleep {seconds}; cat said.txt > ${{{{outputs.out}}}}/said.txt",
            code=self.folder / "code",
            outputs={"out": Output(type="uri_folder")},
            environment=Environment(image=IMAGE),
            compute="cpu-cluster",
            experiment_name="probe",
        )

    def until_ended(self, name: str) -> None:
        """Wait for a job."""
        deadline = time.monotonic() + JOB_SECONDS
        while self.client.jobs.get(name).status not in ENDED:
            if time.monotonic() > deadline:
                raise TimeoutError(f"job {name} did not end")
            time.sleep(0.1)

    def submit(self) -> object:
        """Submit a job and let it end."""
        self.made["job"] = str(self.client.jobs.create_or_update(self.job()).name)
        self.until_ended(self.made["job"])
        return self.made["job"]

    def cancel(self) -> object:
        """Cancel a job that runs."""
        name = str(self.client.jobs.create_or_update(self.job(60)).name)
        return self.client.jobs.begin_cancel(name).result()

    def schedule(self) -> JobSchedule:
        """Give a schedule that is never due while the probes run."""

        def probe() -> None:
            self.client.components.get("probe", "1")()

        trigger = Recurrence(frequency="week", interval=50, time_zone=TimeZone.UTC)
        job = dsl.pipeline(probe, default_compute="cpu-cluster")()
        return JobSchedule(name="probe-schedule", trigger=trigger, create_job=job)

    def request(self) -> str:
        """Give a file with a request for the endpoint."""
        path = self.folder / "request.json"
        path.write_text(json.dumps({"rows": []}))
        return str(path)


def component(world: World) -> Any:
    """Give a command component with a code folder."""
    (world.folder / "code").mkdir(exist_ok=True)
    (world.folder / "code" / "said.txt").write_text("said")
    path = world.folder / "component.yml"
    path.write_text(
        "$schema: https://azuremlschemas.azureedge.net/latest/commandComponent.schema.json\n"
        "name: probe\nversion: 1\ntype: command\ncommand: echo done\ncode: code\n"
        f"environment:\n  image: {IMAGE}\n"
    )
    from azure.ai.ml import load_component

    return load_component(path)


def local_file(world: World) -> str:
    """Give a local file."""
    path = world.folder / "rows.csv"
    path.write_text("1\n2\n")
    return str(path)


def blob_datastore() -> AzureBlobDatastore:
    """Give a datastore with a key."""
    return AzureBlobDatastore(
        name="probe",
        account_name="devstoreaccount1",
        container_name="probe",
        credentials=AccountKeyConfiguration(account_key="a2V5"),
    )


def environment() -> Environment:
    """Give an environment whose container is ready at once."""
    route = {"path": "/", "port": 8000}
    routes = dict.fromkeys(("liveness_route", "readiness_route", "scoring_route"), route)
    return Environment(name="probe", version="1", image=IMAGE, inference_config=routes)


def deployment() -> ManagedOnlineDeployment:
    """Give a deployment of that environment."""
    return ManagedOnlineDeployment(
        name="blue",
        endpoint_name="probe",
        environment="azureml:probe:1",
        instance_type="Standard_DS3_v2",
        instance_count=1,
    )


def registry() -> Registry:
    """Give a registry."""
    region = RegistryRegionDetails(location="local")
    return Registry(name="probe", location="local", replication_locations=[region])


def shared(kind: str) -> dict[str, str]:
    """Give the arguments of sharing an asset."""
    names = {"name": "probe", "version": "1", "registry_name": "azureml"}
    return {**names, "share_with_name": f"{kind}-probe", "share_with_version": "1"}


def package() -> ModelPackage:
    """Give the wish for a package of a model."""
    server = AzureMLOnlineInferencingServer(code_configuration=None)
    return ModelPackage(target_environment="packed", inferencing_server=server)


def compute(name: str = "probe") -> AmlCompute:
    """Give a cluster."""
    return AmlCompute(name=name, size="STANDARD_DS3_V2", min_instances=0, max_instances=1)


def data_import() -> DataImport:
    """Give an import from a database."""
    source = Database(query="select 1", connection="azureml:none")
    return DataImport(name="probe-import", source=source, path=STORE)
