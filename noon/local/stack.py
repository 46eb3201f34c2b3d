"""The local stack: storage, the emulator of Azure, the function app and its web UI as one thing."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from noon.client import AppClient
from noon.failures import CommandError
from noon.home import Home, StackRecord
from noon.local.commands import (
    emulator_command,
    host_command,
    storage_command,
    webui_command,
)
from noon.local.container import (
    contained_models,
    container_command,
    container_environment,
    container_ready,
    container_settings,
)
from noon.local.content import content_digest
from noon.local.emulated import LocalAzure
from noon.local.environment import WEBUI, Addresses, azure_environment, base_environment
from noon.local.keys import ensure_readers_key, record_keys
from noon.local.ports import PREFERRED, choose_ports, listening, turn_to_listen
from noon.local.processes import Child, NoonCommand
from noon.local.stages import Stages
from noon.local.subscriptions import WORKSPACE_ID, subscribe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

LOG_BYTES_MAX = 20_000_000


class LocalStack:
    """One stack with its own folder and ports; a context manager that leaves nothing running.

    `settings` are added to the app's environment, `preferred_ports` are taken when they are
    free, `operation_seconds` is how long Azure ML's operations take. The children are called
    `storage`, `azure`, `app`, `webui` and, when a model file has `serving = "container"`,
    `container`.
    """

    def __init__(
        self,
        home: Path,
        *,
        settings: Mapping[str, str] | None = None,
        preferred_ports: Mapping[str, int] = PREFERRED,
        operation_seconds: float = 1.0,
        stages: Stages | None = None,
    ) -> None:
        self.home = Home(home.absolute())
        self.stages = stages or Stages()
        self._settings = dict(settings or {})
        self._preferred_ports = preferred_ports
        self._operation_seconds = operation_seconds
        self._children: dict[str, Child] = {}
        self._contained: list[str] = []
        self._open = ExitStack()
        self.addresses = Addresses({})
        self.environment: dict[str, str] = {}
        self._client_environment: dict[str, str] = {}
        self._release: dict[str, Any] = {}
        self.app = AppClient("")
        self.azure = LocalAzure("", Path(), "")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything in order and return when the app answers and is subscribed.

        Raises NotRunningError when a stack of this folder runs already, CommandError with the
        end of the log when a part does not start; nothing is left running then.
        """
        self._open.enter_context(self.home.held())
        try:
            with turn_to_listen():
                self._prepare()
                self._start_storage()
                self._start_azure()
                with self._components_registered():
                    self._start_app()
                    self._start_webui()
                    self._subscribe()
                self._start_container()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every process, the app first; harmless when nothing runs."""
        for name in ("webui", "app", "container", "azure", "storage"):
            child = self._children.get(name)
            if child:
                child.end()
                child.join()
        self._open.close()

    def kill(self, name: str) -> None:
        """End one child with SIGKILL."""
        self._children[name].kill()

    def restart(self, name: str) -> None:
        """End one child unless it has ended, start it again and wait until it is ready."""
        child = self._children[name]
        child.end()
        child.join()
        self._begin(child)

    def dead(self) -> Child | None:
        """Give a child that ended without having been asked to."""
        return next((c for c in self._children.values() if c.exit_code is not None), None)

    def child(self, name: str) -> Child:
        """Give one child process."""
        return self._children[name]

    def running_step(self, job: str) -> str:
        """Give the step that a pipeline job runs now, in a word; empty when none is known."""
        path = f"/history/v1.0{WORKSPACE_ID}/runs/{quote(job)}/children"
        try:
            children = self.azure.get(path) or {}
        except CommandError:
            return ""
        running = [run for run in children.get("value", ()) if run.get("status") == "Running"]
        return str(running[-1].get("displayName") or "") if running else ""

    def noon(self, *arguments: str, told: Callable[[str], None] = lambda _: None) -> str:
        """Run a command of ours against this stack and give its stdout.

        `told` gets each line of stderr. Raises CommandError with the last of them.
        """
        return NoonCommand(arguments, self.environment, told).result()

    def _prepare(self) -> None:
        before = self.home.record()
        self.home.logs.mkdir(parents=True, exist_ok=True)
        _shorten_logs(self.home.logs)
        ports = choose_ports(before.ports if before else {}, self._preferred_ports)
        self.addresses = Addresses(ports)
        self._release = dict(before.release) if before else {}
        settings = azure_environment(self.home.path, self.addresses) | self._settings
        self._contained = contained_models(settings)
        if self._contained:
            settings |= container_settings(self.addresses)
        self._client_environment = settings
        self.environment = {**base_environment(), **settings, "NOON_HOME": str(self.home.path)}
        self.azure = LocalAzure(
            self.addresses.emulator, self.home.path / "tls" / "ca.pem", settings["IDENTITY_HEADER"]
        )
        commands = {
            "storage": storage_command(self.home.path, self.addresses),
            "azure": emulator_command(self.home.path, self.addresses, self._operation_seconds),
            "app": host_command(self.home.path, self.addresses),
            "webui": webui_command(self.addresses),
        }
        if self._contained:
            commands["container"] = container_command(self.addresses)
        self._children = {
            name: Child(name, command, self._environment_of(name), self.home.log(name))
            for name, command in commands.items()
        }

    def _environment_of(self, name: str) -> dict[str, str]:
        # Storage and the emulator stand for Azure: they get none of the app's settings.
        if name == "container":
            return container_environment(self.environment, self._contained, self._release)
        return self.environment if name == "app" else base_environment()

    def _begin(self, child: Child) -> None:
        ready: dict[str, Callable[[], bool]] = {
            "storage": lambda: all(
                listening(self.addresses.ports[kind]) for kind in ("blob", "queue", "table")
            ),
            "azure": self.azure.healthy,
            "app": AppClient(self.addresses.app, timeout_seconds=5).healthy,
            "webui": lambda: listening(self.addresses.ports["webui"]),
            "container": lambda: container_ready(self.addresses),
        }
        if not child.running:
            child.start()
        child.wait_ready(ready[child.name])
        self._record()

    def _start_storage(self) -> None:
        with self.stages.running("storage") as stage:
            self._begin(self._children["storage"])
            stage.result = self.addresses.storage("blob")

    def _start_azure(self) -> None:
        with self.stages.running("azure") as stage:
            self._begin(self._children["azure"])
            stage.result = self.addresses.emulator

    @contextmanager
    def _components_registered(self) -> Iterator[None]:
        """Register the components while the block runs: nobody needs them before data lands."""
        with self.stages.running("components") as stage:
            content = content_digest(self._settings)
            if self._release.get("content") == content:
                yield
            else:
                yield from self._registering(stage.detail)
                self._release["content"] = content
                self._record()
            component, environment = self._release["component"], self._release["environment"]
            stage.result = f"{component}, serving environment {environment}"

    def _registering(self, told: Callable[[str], None]) -> Iterator[None]:
        command = NoonCommand(("deploy", "components", "--json"), self.environment, told)
        try:
            yield
        except BaseException:
            command.cancel()
            raise
        self._release = json.loads(command.result())

    def _start_app(self) -> None:
        with self.stages.running("app") as stage:
            ensure_readers_key(self.home)
            self._begin(self._children["app"])
            stage.result = self.addresses.app

    def _start_webui(self) -> None:
        with self.stages.running("webui") as stage:
            if not (WEBUI / "index.html").exists():
                stage.result = "not built: run `make setup`"
                return
            self._begin(self._children["webui"])
            stage.result = self.addresses.webui

    def _start_container(self) -> None:
        """Start what serves the models whose files ask for a container, if there are any."""
        if not self._contained:
            known = self.stages.by_name
            self.stages.by_name = {n: stage for n, stage in known.items() if n != "container"}
            return
        with self.stages.running("container") as stage:
            # Only now it is known which environment was released.
            child = self._children["container"]
            child.environment = self._environment_of("container")
            self._begin(child)
            stage.result = f"{self.addresses.container} for {', '.join(self._contained)}"

    def _subscribe(self) -> None:
        with self.stages.running("events") as stage:
            subscribe(self.azure, self.addresses.app, self.home.host_keys()["system"])
            stage.result = "data_landed, job_finished"

    def _record(self) -> None:
        """Write down what is running, for the other commands."""
        running = {name: child.pid for name, child in self._children.items() if child.running}
        keys: dict[str, str] = {}
        urls = self.addresses.as_dict()
        if "app" in running:
            keys = record_keys(self.home)
            self.app = AppClient(
                self.addresses.app, keys["function"], keys["orders"], keys["rollout"]
            )
        else:
            del urls["app"]
        if "webui" not in running:
            del urls["webui"]
        self.home.write(
            StackRecord(
                pid=os.getpid(),
                ports=self.addresses.ports,
                urls=urls,
                keys=keys,
                pids=running,
                environment=self._client_environment,
                release=self._release,
            )
        )


def _shorten_logs(folder: Path) -> None:
    for log in folder.glob("*.log"):
        if log.stat().st_size > LOG_BYTES_MAX:
            log.replace(log.with_suffix(".log.1"))
