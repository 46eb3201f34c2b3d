"""A container of one's own behind a managed online endpoint.

azure-emulator serve … --image 'sample-server*=python custom-container/server.py'
python custom_container.py SUBSCRIPTION RESOURCE_GROUP WORKSPACE
"""

import sys
from pathlib import Path

from azure.ai.ml import MLClient
from azure.ai.ml.entities import (
    Environment,
    ManagedOnlineDeployment,
    ManagedOnlineEndpoint,
    Model,
    OnlineRequestSettings,
    ProbeSettings,
)
from azure.identity import DefaultAzureCredential

HERE = Path(__file__).parent
NAME = "sample-container"

client = MLClient(DefaultAzureCredential(), *sys.argv[1:4])

endpoint = ManagedOnlineEndpoint(name=NAME, auth_mode="aml_token")
client.online_endpoints.begin_create_or_update(endpoint).result()

deployment = ManagedOnlineDeployment(
    name="custom",
    endpoint_name=NAME,
    model=Model(path=HERE / "model-1" / "model"),
    environment=Environment(
        name="sample-server",
        version="1",
        image="docker.io/example/sample-server:1",
        inference_config={
            "liveness_route": {"port": 8501, "path": "/health"},
            "readiness_route": {"port": 8501, "path": "/health"},
            "scoring_route": {"port": 8501, "path": "/v1/predict"},
        },
    ),
    request_settings=OnlineRequestSettings(
        request_timeout_ms=3000, max_concurrent_requests_per_instance=4
    ),
    readiness_probe=ProbeSettings(initial_delay=1, period=1, failure_threshold=20),
    instance_type="Standard_DS3_v2",
    instance_count=1,
)
client.online_deployments.begin_create_or_update(deployment).result()

endpoint.traffic = {"custom": 100}
client.online_endpoints.begin_create_or_update(endpoint).result()

print(client.online_endpoints.get(NAME).scoring_uri)
request = HERE / "sample-request.json"
print(client.online_endpoints.invoke(NAME, request_file=request, deployment_name="custom"))

client.online_endpoints.begin_delete(NAME).result()
