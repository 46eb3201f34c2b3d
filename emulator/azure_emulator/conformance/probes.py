"""One real call of every public method of the SDK's operation classes, in an order that works."""

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
    Data,
    DataImport,
    Environment,
    JobSchedule,
    ManagedOnlineDeployment,
    ManagedOnlineEndpoint,
    Model,
    ModelPackage,
    Registry,
    RegistryRegionDetails,
    Workspace,
)
from azure.ai.ml.entities import (
    RecurrenceTrigger as Recurrence,
)
from azure.ai.ml.entities._assets._artifacts._package.inferencing_server import (
    AzureMLOnlineInferencingServer,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.ai.ml import MLClient

KINDS = (
    "workspaces",
    "compute",
    "datastores",
    "data",
    "environments",
    "components",
    "models",
    "jobs",
    "online_endpoints",
    "online_deployments",
    "schedules",
    "registries",
)
"""The operation classes whose methods are counted, as MLClient calls them."""
LOCAL_MACHINE = ("data.mount", "datastores.mount")
"""They mount a folder with azureml-dataprep, which is no part of the SDK."""
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


def _component(world: World) -> Any:
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


def _file(world: World) -> str:
    path = world.folder / "rows.csv"
    path.write_text("1\n2\n")
    return str(path)


def _blob_datastore() -> AzureBlobDatastore:
    return AzureBlobDatastore(
        name="probe",
        account_name="devstoreaccount1",
        container_name="probe",
        credentials=AccountKeyConfiguration(account_key="a2V5"),
    )


def _environment() -> Environment:
    route = {"path": "/", "port": 8000}
    routes = dict.fromkeys(("liveness_route", "readiness_route", "scoring_route"), route)
    return Environment(name="probe", version="1", image=IMAGE, inference_config=routes)


def _deployment() -> ManagedOnlineDeployment:
    return ManagedOnlineDeployment(
        name="blue",
        endpoint_name="probe",
        environment="azureml:probe:1",
        instance_type="Standard_DS3_v2",
        instance_count=1,
    )


def _registry() -> Registry:
    region = RegistryRegionDetails(location="local")
    return Registry(name="probe", location="local", replication_locations=[region])


def _shared(kind: str) -> dict[str, str]:
    names = {"name": "probe", "version": "1", "registry_name": "azureml"}
    return {**names, "share_with_name": f"{kind}-probe", "share_with_version": "1"}


def _package() -> ModelPackage:
    server = AzureMLOnlineInferencingServer(code_configuration=None)
    return ModelPackage(target_environment="packed", inferencing_server=server)


def _compute(name: str = "probe") -> AmlCompute:
    return AmlCompute(name=name, size="STANDARD_DS3_V2", min_instances=0, max_instances=1)


def _import() -> DataImport:
    source = Database(query="select 1", connection="azureml:none")
    return DataImport(name="probe-import", source=source, path=STORE)


PROBES: dict[str, Callable[[World], object]] = {
    "workspaces.get": lambda w: w.client.workspaces.get(w.client.workspace_name),
    "workspaces.list": lambda w: list(w.client.workspaces.list()),
    "workspaces.get_keys": lambda w: w.client.workspaces.get_keys(w.client.workspace_name),
    "workspaces.begin_sync_keys": lambda w: w.client.workspaces.begin_sync_keys(
        w.client.workspace_name
    ).result(),
    "workspaces.begin_diagnose": lambda w: w.client.workspaces.begin_diagnose(
        w.client.workspace_name
    ).result(),
    "workspaces.begin_provision_network": lambda w: w.client.workspaces.begin_provision_network(
        workspace_name=w.client.workspace_name
    ).result(),
    "workspaces.begin_create": lambda w: w.client.workspaces.begin_create(
        Workspace(name="probe", location="local")
    ).result(),
    "workspaces.begin_update": lambda w: w.client.workspaces.begin_update(
        Workspace(name=str(w.client.workspace_name), description="probed")
    ).result(),
    "workspaces.begin_delete": lambda w: w.client.workspaces.begin_delete(
        str(w.client.workspace_name), delete_dependent_resources=False
    ).result(),
    "compute.get": lambda w: w.client.compute.get("cpu-cluster"),
    "compute.list": lambda w: list(w.client.compute.list()),
    "compute.begin_create_or_update": lambda w: w.client.compute.begin_create_or_update(
        _compute()
    ).result(),
    "compute.begin_update": lambda w: w.client.compute.begin_update(
        _compute("cpu-cluster")
    ).result(),
    "compute.begin_attach": lambda w: w.client.compute.begin_attach(_compute()).result(),
    "compute.begin_start": lambda w: w.client.compute.begin_start("cpu-cluster").result(),
    "compute.begin_stop": lambda w: w.client.compute.begin_stop("cpu-cluster").result(),
    "compute.begin_restart": lambda w: w.client.compute.begin_restart("cpu-cluster").result(),
    "compute.enable_sso": lambda w: w.client.compute.enable_sso(name="cpu-cluster"),
    "compute.list_nodes": lambda w: list(w.client.compute.list_nodes("cpu-cluster")),
    "compute.list_sizes": lambda w: list(w.client.compute.list_sizes()),
    "compute.list_usage": lambda w: list(w.client.compute.list_usage()),
    "compute.begin_delete": lambda w: w.client.compute.begin_delete("probe").result(),
    "datastores.get": lambda w: w.client.datastores.get("workspaceblobstore", include_secrets=True),
    "datastores.get_default": lambda w: w.client.datastores.get_default(),
    "datastores.list": lambda w: list(w.client.datastores.list()),
    "datastores.create_or_update": lambda w: w.client.datastores.create_or_update(
        _blob_datastore()
    ),
    "datastores.delete": lambda w: w.client.datastores.delete("probe"),
    "data.create_or_update": lambda w: w.client.data.create_or_update(
        Data(name="probe", version="1", path=_file(w), type="uri_file")
    ),
    "data.get": lambda w: w.client.data.get("probe", label="latest"),
    "data.list": lambda w: list(w.client.data.list("probe")),
    "data.archive": lambda w: w.client.data.archive("probe", "1"),
    "data.restore": lambda w: w.client.data.restore("probe", "1"),
    "data.import_data": lambda w: w.client.data.import_data(_import()),
    "data.list_materialization_status": lambda w: list(
        w.client.data.list_materialization_status("probe")
    ),
    "data.share": lambda w: w.client.data.share(**_shared("data")),
    "environments.create_or_update": lambda w: w.client.environments.create_or_update(
        _environment()
    ),
    "environments.get": lambda w: w.client.environments.get("probe", "1"),
    "environments.list": lambda w: list(w.client.environments.list()),
    "environments.archive": lambda w: w.client.environments.archive("probe", "1"),
    "environments.restore": lambda w: w.client.environments.restore("probe", "1"),
    "environments.share": lambda w: w.client.environments.share(**_shared("environments")),
    "components.create_or_update": lambda w: w.client.components.create_or_update(_component(w)),
    "components.validate": lambda w: w.client.components.validate(_component(w)),
    "components.get": lambda w: w.client.components.get("probe", "1"),
    "components.list": lambda w: list(w.client.components.list("probe")),
    "components.archive": lambda w: w.client.components.archive("probe", "1"),
    "components.restore": lambda w: w.client.components.restore("probe", "1"),
    "components.download": lambda w: w.client.components.download(
        "probe", w.folder / "component", version="1"
    ),
    "components.prepare_for_sign": lambda w: w.client.components.prepare_for_sign(_component(w)),
    "models.create_or_update": lambda w: w.client.models.create_or_update(
        Model(name="probe", version="1", path=_file(w), type="custom_model")
    ),
    "models.get": lambda w: w.client.models.get("probe", label="latest"),
    "models.list": lambda w: list(w.client.models.list("probe")),
    "models.archive": lambda w: w.client.models.archive("probe", "1"),
    "models.restore": lambda w: w.client.models.restore("probe", "1"),
    "models.download": lambda w: w.client.models.download("probe", "1", str(w.folder / "model")),
    "models.package": lambda w: w.client.models.package("probe", "1", _package()),
    "models.share": lambda w: w.client.models.share(**_shared("models")),
    "jobs.validate": lambda w: w.client.jobs.validate(w.job()),
    "jobs.create_or_update": lambda w: w.submit(),
    "jobs.get": lambda w: w.client.jobs.get(w.made["job"]),
    "jobs.list": lambda w: list(w.client.jobs.list()),
    "jobs.stream": lambda w: w.client.jobs.stream(w.made["job"]),
    "jobs.download": lambda w: w.client.jobs.download(
        w.made["job"], download_path=w.folder / "job", all=True
    ),
    "jobs.show_services": lambda w: w.client.jobs.show_services(w.made["job"]),
    "jobs.update": lambda w: w.client.jobs.update(w.made["job"], tags={"probed": "yes"}),
    "jobs.archive": lambda w: w.client.jobs.archive(w.made["job"]),
    "jobs.restore": lambda w: w.client.jobs.restore(w.made["job"]),
    "jobs.begin_cancel": lambda w: w.cancel(),
    "jobs.begin_delete": lambda w: w.client.jobs.begin_delete(w.made["job"]).result(),
    "online_endpoints.begin_create_or_update": lambda w: (
        w.client.online_endpoints.begin_create_or_update(
            ManagedOnlineEndpoint(name="probe", auth_mode="key")
        ).result()
    ),
    "online_endpoints.get": lambda w: w.client.online_endpoints.get("probe"),
    "online_endpoints.list": lambda w: list(w.client.online_endpoints.list()),
    "online_endpoints.get_keys": lambda w: w.client.online_endpoints.get_keys("probe"),
    "online_endpoints.begin_regenerate_keys": lambda w: (
        w.client.online_endpoints.begin_regenerate_keys("probe", key_type="primary").result()
    ),
    "online_deployments.begin_create_or_update": lambda w: (
        w.client.online_deployments.begin_create_or_update(_deployment()).result()
    ),
    "online_deployments.get": lambda w: w.client.online_deployments.get("blue", "probe"),
    "online_deployments.list": lambda w: list(w.client.online_deployments.list("probe")),
    "online_deployments.get_logs": lambda w: w.client.online_deployments.get_logs(
        "blue", "probe", lines=10
    ),
    "online_endpoints.invoke": lambda w: w.client.online_endpoints.invoke(
        "probe", request_file=w.request(), deployment_name="blue"
    ),
    "online_deployments.begin_delete": lambda w: w.client.online_deployments.begin_delete(
        "blue", "probe"
    ).result(),
    "online_endpoints.begin_delete": lambda w: w.client.online_endpoints.begin_delete(
        "probe"
    ).result(),
    "schedules.begin_create_or_update": lambda w: w.client.schedules.begin_create_or_update(
        w.schedule()
    ).result(),
    "schedules.get": lambda w: w.client.schedules.get("probe-schedule"),
    "schedules.list": lambda w: list(w.client.schedules.list()),
    "schedules.trigger": lambda w: w.client.schedules.trigger("probe-schedule"),
    "schedules.begin_disable": lambda w: w.client.schedules.begin_disable(
        "probe-schedule"
    ).result(),
    "schedules.begin_enable": lambda w: w.client.schedules.begin_enable("probe-schedule").result(),
    "schedules.begin_delete": lambda w: w.client.schedules.begin_delete("probe-schedule").result(),
    "registries.get": lambda w: w.client.registries.get("azureml"),
    "registries.list": lambda w: list(w.client.registries.list()),
    "registries.begin_create": lambda w: w.client.registries.begin_create(_registry()).result(),
    "registries.begin_delete": lambda w: w.client.registries.begin_delete(name="probe").result(),
}
