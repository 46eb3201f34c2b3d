"""One real call of every public method of the SDK's operation classes, in an order that works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azure.ai.ml.entities import Data, ManagedOnlineEndpoint, Model, Workspace

from .probe_world import (
    World,
    blob_datastore,
    component,
    compute,
    data_import,
    deployment,
    environment,
    local_file,
    package,
    registry,
    shared,
)

if TYPE_CHECKING:
    from collections.abc import Callable

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
        compute()
    ).result(),
    "compute.begin_update": lambda w: w.client.compute.begin_update(
        compute("cpu-cluster")
    ).result(),
    "compute.begin_attach": lambda w: w.client.compute.begin_attach(compute()).result(),
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
    "datastores.create_or_update": lambda w: w.client.datastores.create_or_update(blob_datastore()),
    "datastores.delete": lambda w: w.client.datastores.delete("probe"),
    "data.create_or_update": lambda w: w.client.data.create_or_update(
        Data(name="probe", version="1", path=local_file(w), type="uri_file")
    ),
    "data.get": lambda w: w.client.data.get("probe", label="latest"),
    "data.list": lambda w: list(w.client.data.list("probe")),
    "data.archive": lambda w: w.client.data.archive("probe", "1"),
    "data.restore": lambda w: w.client.data.restore("probe", "1"),
    "data.import_data": lambda w: w.client.data.import_data(data_import()),
    "data.list_materialization_status": lambda w: list(
        w.client.data.list_materialization_status("probe")
    ),
    "data.share": lambda w: w.client.data.share(**shared("data")),
    "environments.create_or_update": lambda w: w.client.environments.create_or_update(
        environment()
    ),
    "environments.get": lambda w: w.client.environments.get("probe", "1"),
    "environments.list": lambda w: list(w.client.environments.list()),
    "environments.archive": lambda w: w.client.environments.archive("probe", "1"),
    "environments.restore": lambda w: w.client.environments.restore("probe", "1"),
    "environments.share": lambda w: w.client.environments.share(**shared("environments")),
    "components.create_or_update": lambda w: w.client.components.create_or_update(component(w)),
    "components.validate": lambda w: w.client.components.validate(component(w)),
    "components.get": lambda w: w.client.components.get("probe", "1"),
    "components.list": lambda w: list(w.client.components.list("probe")),
    "components.archive": lambda w: w.client.components.archive("probe", "1"),
    "components.restore": lambda w: w.client.components.restore("probe", "1"),
    "components.download": lambda w: w.client.components.download(
        "probe", w.folder / "component", version="1"
    ),
    "components.prepare_for_sign": lambda w: w.client.components.prepare_for_sign(component(w)),
    "models.create_or_update": lambda w: w.client.models.create_or_update(
        Model(name="probe", version="1", path=local_file(w), type="custom_model")
    ),
    "models.get": lambda w: w.client.models.get("probe", label="latest"),
    "models.list": lambda w: list(w.client.models.list("probe")),
    "models.archive": lambda w: w.client.models.archive("probe", "1"),
    "models.restore": lambda w: w.client.models.restore("probe", "1"),
    "models.download": lambda w: w.client.models.download("probe", "1", str(w.folder / "model")),
    "models.package": lambda w: w.client.models.package("probe", "1", package()),
    "models.share": lambda w: w.client.models.share(**shared("models")),
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
        w.client.online_deployments.begin_create_or_update(deployment()).result()
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
    "registries.begin_create": lambda w: w.client.registries.begin_create(registry()).result(),
    "registries.begin_delete": lambda w: w.client.registries.begin_delete(name="probe").result(),
}
