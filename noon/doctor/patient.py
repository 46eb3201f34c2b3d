"""What is examined: one app, its storage and its workspace, as the environment names them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

from noon.client import AppClient, find_app
from noon.doctor.finding import SkippedError
from noon.doctor.wire import Reply, ask
from noon.failures import CommandError
from noon.home import Home, StackRecord, find_home
from noon.reach import use_stack_unless
from shared.domain.errors import NoonError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from shared.bootstrap import Runtime

ONE_SETTING = "NOON_SUBSCRIPTION_ID"
"""Set when the settings of an app are in the environment."""
STORAGE_SCOPE = "https://storage.azure.com/.default"
REQUEST_SECONDS = 8.0


@dataclass
class Patient:
    """Gives each check what it needs; raises SkippedError for what is not there."""

    read_only: bool
    home: Home
    record: StackRecord | None
    """Of the local stack, if that is what is examined and it runs."""
    has_settings: bool
    _lock: Lock = field(default_factory=Lock)

    def setting(self, name: str) -> str:
        """The setting of this name, which need not be set."""
        return os.environ.get(name, "")

    def needed(self, name: str) -> str:
        """The setting of this name."""
        if not self.has_settings:
            raise SkippedError("the app's settings (NOON_…) are not in the environment")
        value = self.setting(name)
        if not value:
            raise SkippedError(f"{name} is not set")
        return value

    @cached_property
    def app(self) -> AppClient:
        """The function app."""
        try:
            return find_app()
        except CommandError as error:
            raise SkippedError(str(error)) from None

    @property
    def master_key(self) -> str:
        """The key of the local host's own pages; empty for an app elsewhere."""
        if self.record is None:
            return ""
        return str(self.home.host_keys().get("master", ""))

    @property
    def runtime(self) -> Runtime:
        """The app's parts as its settings put them together."""
        self.needed(ONE_SETTING)
        from shared.bootstrap import runtime

        try:
            return runtime()
        except NoonError:
            raise SkippedError("the settings are wrong") from None

    def ask(self, url: str, method: str = "GET", key: str = "", body: bytes | None = None) -> Reply:
        """One request to the function app."""
        headers = {"x-functions-key": key, "content-type": "application/json"}
        return ask(url, method, headers, body, timeout_seconds=REQUEST_SECONDS)

    def credential(self) -> TokenCredential:
        """The identity of this shell, which has been given a token before."""
        self.needed(ONE_SETTING)
        if isinstance(self._token, Exception):
            raise SkippedError("there is no token: see identity")
        return self._identity

    def token_problem(self) -> str:
        """Why no token can be had; empty when there is one."""
        return _line(self._token) if isinstance(self._token, Exception) else ""

    @cached_property
    def _identity(self) -> TokenCredential:
        from azure.identity import DefaultAzureCredential

        return DefaultAzureCredential()

    @property
    def _token(self) -> Any:
        with self._lock:
            return self._asked_token

    @cached_property
    def _asked_token(self) -> Any:
        try:
            return self._identity.get_token(STORAGE_SCOPE)
        except Exception as error:  # whatever it was: the check on identity tells it
            return error


def find_patient(*, read_only: bool) -> Patient:
    """The app of NOON_URL and the NOON_… settings, else the local stack.

    The settings of a running stack become those of this process, as for other commands.
    """
    home = find_home()
    own = bool(os.environ.get(ONE_SETTING))
    elsewhere = bool(os.environ.get("NOON_URL"))
    record = None
    if not own and not elsewhere:
        record = home.record() if home.runner() is not None else None
        if record is not None and record.environment:
            use_stack_unless(ONE_SETTING)
            own = True
    return Patient(read_only, home, record, own)


def _line(error: Exception) -> str:
    text = str(getattr(error, "message", "") or error).strip()
    return text.splitlines()[0] if text else type(error).__name__
