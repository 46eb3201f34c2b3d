"""The variables that a step finds in its environment on Azure ML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...identity import PRINCIPAL

if TYPE_CHECKING:
    from ...settings import ServeSettings


def job_environment(
    settings: ServeSettings, run: str, root: str, experiment: str
) -> dict[str, str]:
    """Say which run this is, in which workspace, and by which identity."""
    return {
        "AZUREML_RUN_ID": run,
        "AZUREML_ROOT_RUN_ID": root,
        "AZUREML_EXPERIMENT_NAME": experiment,
        "AZUREML_ARM_SUBSCRIPTION": settings.subscription,
        "AZUREML_ARM_RESOURCEGROUP": settings.resource_group,
        "AZUREML_ARM_WORKSPACE_NAME": settings.workspace,
        "AZUREML_ARM_PROJECT_NAME": experiment,
        "AZUREML_SERVICE_ENDPOINT": settings.base_url,
        "AZUREML_WORKSPACE_SCOPE": settings.workspace_id,
        "DEFAULT_IDENTITY_CLIENT_ID": PRINCIPAL,
    }
