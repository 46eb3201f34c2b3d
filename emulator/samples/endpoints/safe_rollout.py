"""Blue and green: a new version beside the old one, asked directly, mirrored, then shifted to.

python safe_rollout.py SUBSCRIPTION RESOURCE_GROUP WORKSPACE
"""

import sys
from collections import Counter
from pathlib import Path

import requests
from azure.ai.ml import MLClient
from azure.ai.ml.entities import (
    CodeConfiguration,
    ManagedOnlineDeployment,
    ManagedOnlineEndpoint,
    Model,
)
from azure.identity import DefaultAzureCredential

HERE = Path(__file__).parent
NAME = "sample-rollout"
CURATED = "azureml://registries/azureml/environments/sklearn-1.5/labels/latest"

client = MLClient(DefaultAzureCredential(), *sys.argv[1:4])


def deploy(name: str, version: str) -> None:
    """Register a model and make a deployment of it, at no traffic."""
    folder = HERE / f"model-{version}" / "model"
    model = client.models.create_or_update(Model(name="sample", version=version, path=folder))
    deployment = ManagedOnlineDeployment(
        name=name,
        endpoint_name=NAME,
        model=model.id,
        environment=CURATED,
        code_configuration=CodeConfiguration(
            code=str(HERE / "model-1" / "onlinescoring"), scoring_script="score.py"
        ),
        instance_type="Standard_DS3_v2",
        instance_count=1,
    )
    client.online_deployments.begin_create_or_update(deployment).result()


def route(traffic: dict[str, int], mirror: dict[str, int] | None = None) -> None:
    """Write the whole traffic map."""
    endpoint = ManagedOnlineEndpoint(
        name=NAME, auth_mode="key", traffic=traffic, mirror_traffic=mirror or {}
    )
    client.online_endpoints.begin_create_or_update(endpoint).result()


def ask(times: int, deployment: str = "") -> dict[str, int]:
    """Score so many times; count who answered."""
    uri = client.online_endpoints.get(NAME).scoring_uri
    headers = {
        "content-type": "application/json",
        "authorization": f"Bearer {client.online_endpoints.get_keys(NAME).primary_key}",
    }
    if deployment:
        headers["azureml-model-deployment"] = deployment
    body = (HERE / "sample-request.json").read_bytes()
    seen: Counter[str] = Counter()
    for _ in range(times):
        answer = requests.post(uri, data=body, headers=headers, timeout=30)
        answer.raise_for_status()
        seen[answer.json()["model"]] += 1
    return dict(sorted(seen.items()))


route({})
deploy("blue", "1")
route({"blue": 100})
print("blue alone", ask(5))
deploy("green", "2")
print("green asked directly", ask(1, "green"))
route({"blue": 100}, {"green": 50})
print("green mirrored", ask(5))
route({"blue": 90, "green": 10})
print("a tenth", ask(40))
route({"green": 100})
client.online_deployments.begin_delete("blue", NAME).result()
print("green alone", ask(5))
client.online_endpoints.begin_delete(NAME).result()
