"""Who is compared: how each is installed, started and asked, as its users do it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bench.contestant import Contestant, Rows
from bench.environments import Environment
from bench.load import find
from bench.places import HOME, PEERS, ROOT, BenchError


def _uvicorn(app: str, *options: str) -> Callable[[Environment, int], list[str]]:
    def command(environment: Environment, port: int) -> list[str]:
        address = ["--host", "127.0.0.1", "--port", str(port), "--no-access-log"]
        return [str(environment.python), "-m", "uvicorn", app, *address, *options]

    return command


def _ours(environment: Environment, port: int) -> list[str]:
    return [str(environment.python), "-m", "backend", "--port", str(port)]


def _azureml(environment: Environment, port: int) -> list[str]:
    script = str(PEERS / "azureml" / "score.py")
    return [environment.program("azmlinfsrv"), "--entry_script", script, "--port", str(port)]


def _litserve(environment: Environment, port: int) -> list[str]:
    return [str(environment.python), "server.py", str(port)]


def _bentoml(environment: Environment, port: int) -> list[str]:
    address = ["--host", "127.0.0.1", "--port", str(port)]
    return [environment.program("bentoml"), "serve", "service:Flights", *address]


def _mlflow(environment: Environment, port: int) -> list[str]:
    saved = str(HOME / "peers" / "mlflow")
    address = ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    return [environment.program("mlflow"), "models", "serve", "--model-uri", saved, *address]


def _save_mlflow(environment: Environment, variables: dict[str, str], _: int) -> None:
    saved = HOME / "peers" / "mlflow"
    shutil.rmtree(saved, ignore_errors=True)
    command = [str(environment.python), str(PEERS / "mlflow" / "save.py"), str(saved)]
    done = subprocess.run(  # noqa: S603 - our own command
        command, env=variables, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchError(f"cannot save the model: {done.stderr.strip().splitlines()[-1]}")


def _mlserver(engine: str) -> Callable[[Environment, int], list[str]]:
    folder = str(HOME / "peers" / f"mlserver-{engine}")
    return lambda environment, _: [environment.program("mlserver"), "start", folder]


def _describe_mlserver(
    engine: str, implementation: str
) -> Callable[[Environment, dict[str, str], int], None]:
    def prepare(_: Environment, __: dict[str, str], port: int) -> None:
        from azure_emulator.testing import free_port

        folder = HOME / "peers" / f"mlserver-{engine}"
        folder.mkdir(parents=True, exist_ok=True)
        # Without the pool: one process, and a third faster than with it.
        settings = {"host": "127.0.0.1", "http_port": port, "parallel_workers": 0}
        settings |= {"grpc_port": free_port(), "metrics_port": free_port()}
        uri = str(HOME / "model" / "pipeline.joblib")
        model = {"name": "flights", "implementation": implementation, "parameters": {"uri": uri}}
        (folder / "settings.json").write_text(json.dumps(settings))
        (folder / "model-settings.json").write_text(json.dumps(model))

    return prepare


def _v2(rows: Rows) -> dict[str, Any]:
    """Rows as the open inference protocol has them: a column a tensor."""
    inputs = [
        {"name": name, "shape": [len(rows), 1], "data": [row[name] for row in rows]}
        | (
            {"datatype": "BYTES", "parameters": {"content_type": "str"}}
            if isinstance(value, str)
            else {"datatype": "FP64"}
        )
        for name, value in rows[0].items()
    ]
    outputs = [{"name": "predict_proba"}]
    return {"parameters": {"content_type": "pd"}, "inputs": inputs, "outputs": outputs}


OURS = Contestant(
    "Noon",
    "ours",
    "",
    ROOT / "requirements" / "backend.txt",
    _ours,
    answers=lambda said: [row["probabilities"]["true"] for row in said["predictions"]],
    settings={"AZUREML_MODEL_DIR": str(HOME / "model" / "model")},
)
ECHO = Contestant(
    "bare ASGI echo",
    "limit",
    "uvicorn",
    ROOT / "requirements" / "backend.txt",
    _uvicorn("bench.echo:app"),
    answers=None,
)
AZUREML = Contestant(
    "azureml-inference-server-http",
    "peer",
    "azureml-inference-server-http",
    PEERS / "azureml" / "requirements.txt",
    _azureml,
    folder=PEERS / "azureml",
)
MLFLOW = Contestant(
    "MLflow",
    "peer",
    "mlflow",
    PEERS / "mlflow" / "requirements.txt",
    _mlflow,
    path="/invocations",
    body=lambda rows: {"dataframe_records": rows},
    folder=PEERS / "mlflow",
    settings={"MLFLOW_DISABLE_TELEMETRY": "true"},
    prepare=_save_mlflow,
)
MLSERVER = Contestant(
    "MLServer",
    "peer",
    "mlserver",
    PEERS / "mlserver" / "requirements.txt",
    _mlserver("sklearn"),
    path="/v2/models/flights/infer",
    body=_v2,
    answers=lambda said: said["outputs"][0]["data"][1::2],
    folder=PEERS / "mlserver",
    prepare=_describe_mlserver("sklearn", "mlserver_sklearn.SKLearnModel"),
)
BENTOML = Contestant(
    "BentoML",
    "peer",
    "bentoml",
    PEERS / "bentoml" / "requirements.txt",
    _bentoml,
    answers=lambda said: [row[1] for row in said],
    folder=PEERS / "bentoml",
    settings={"BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": str(HOME / "peers" / "bentoml")},
)
LITSERVE = Contestant(
    "LitServe",
    "peer",
    "litserve",
    PEERS / "litserve" / "requirements.txt",
    _litserve,
    path="/predict",
    folder=PEERS / "litserve",
)
FASTAPI = Contestant(
    "FastAPI + scikit-learn",
    "peer",
    "fastapi",
    PEERS / "fastapi" / "requirements.txt",
    _uvicorn("main:app"),
    folder=PEERS / "fastapi",
)


def nginx(
    name: str, server: str, upstream: str = "", answers: Callable[[Any], list[float]] | None = None
) -> Contestant:
    """The system's nginx with one worker; `server` is what stands in its server block."""
    folder = HOME / "peers" / f"nginx-{name.split()[-1]}"

    def prepare(_: Environment, __: dict[str, str], port: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        text = NGINX.format(folder=folder, port=port, server=server, upstream=upstream)
        (folder / "nginx.conf").write_text(text)

    def command(_: Environment, __: int) -> list[str]:
        conf = str(folder / "nginx.conf")
        return [find("nginx"), "-c", conf, "-e", str(folder / "error.log"), "-p", str(folder)]

    lock = ROOT / "requirements" / "backend.txt"
    return Contestant(name, "limit", "", lock, command, answers=answers, prepare=prepare)


NGINX = """daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size 10m;
  client_body_buffer_size 2m;
  keepalive_requests 100000000;
  {upstream}
  server {{
    listen 127.0.0.1:{port};
    {server}
  }}
}}
"""

STATIC_NGINX = nginx("static nginx", """location / { return 200 '{"predictions":[]}'; }""")


def _with_onnxruntime(contestant: Contestant, **changes: Any) -> Contestant:
    name = contestant.name.split(" + ")[0] + " + onnxruntime"
    return replace(contestant, name=name, kind="peer with onnxruntime", **changes)


PEERS_AS_USED = (AZUREML, MLFLOW, MLSERVER, BENTOML, LITSERVE, FASTAPI)
PEERS_WITH_ONNXRUNTIME = (
    _with_onnxruntime(FASTAPI),
    _with_onnxruntime(LITSERVE),
    _with_onnxruntime(AZUREML),
    _with_onnxruntime(
        MLSERVER,
        command=_mlserver("onnxruntime"),
        prepare=_describe_mlserver("onnxruntime", "runtime.Flights"),
    ),
)
LIMITS = (ECHO, STATIC_NGINX)
EVERYBODY = (OURS, *PEERS_AS_USED, *PEERS_WITH_ONNXRUNTIME, *LIMITS)
QUICK = (OURS, AZUREML, *LIMITS)
