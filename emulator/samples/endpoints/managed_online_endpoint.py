"""A managed online endpoint with a scoring script, from nothing to an answer and away again.

python managed_online_endpoint.py SUBSCRIPTION RESOURCE_GROUP WORKSPACE
"""

import sys
from pathlib import Path

from azure.ai.ml import MLClient
from azure.ai.ml.entities import (
    CodeConfiguration,
    Environment,
    ManagedOnlineDeployment,
    ManagedOnlineEndpoint,
    Model,
)
from azure.identity import DefaultAzureCredential

HERE = Path(__file__).parent
NAME = "sample-managed"

client = MLClient(DefaultAzureCredential(), *sys.argv[1:4])

endpoint = ManagedOnlineEndpoint(name=NAME, description="a sample", auth_mode="key")
client.online_endpoints.begin_create_or_update(endpoint).result()

blue = ManagedOnlineDeployment(
    name="blue",
    endpoint_name=NAME,
    model=Model(path=HERE / "model-1" / "model"),
    environment=Environment(
        conda_file=HERE / "environment" / "conda.yaml",
        image="mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04:latest",
    ),
    code_configuration=CodeConfiguration(
        code=str(HERE / "model-1" / "onlinescoring"), scoring_script="score.py"
    ),
    instance_type="Standard_DS3_v2",
    instance_count=1,
)
client.online_deployments.begin_create_or_update(blue).result()

endpoint.traffic = {"blue": 100}
client.online_endpoints.begin_create_or_update(endpoint).result()

request = HERE / "sample-request.json"
print(client.online_endpoints.invoke(NAME, request_file=request))
print(client.online_deployments.get_logs("blue", NAME, lines=200))

client.online_endpoints.begin_delete(NAME).result()
