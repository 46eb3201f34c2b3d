"""Versioned assets: what data, models, environments, codes and components have in common."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from ..arm import Json, envelope, not_found, properties_of, user_error
from ..router import WORKSPACE, Call, Operation

if TYPE_CHECKING:
    from ..context import Context
    from ..resource import Resource

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,254}")
DEFAULT_VERSIONS = ("azureml_default", "default")
COMPUTED = ("latestVersion", "nextVersion", "provisioningState")


class Assets:
    """One kind of asset; subclasses say what is special about it."""

    kind = ""
    title = ""
    immutable: tuple[str, ...] = ()
    """Properties that a second PUT of the same version may not change."""

    def __init__(self, context: Context) -> None:
        self._context = context
        # Homes of earlier releases hold versions without a row for their name.
        for parent in context.store.parents(self._versions):
            version = next(context.store.walk(self._versions, parent), None)
            if version and not context.store.get(parent):
                self._ensure_container(version.id.split("/")[-3], version.properties)

    def operations(self) -> list[Operation]:
        """Give the operations on containers and on versions."""
        containers = f"{WORKSPACE}/{self.kind}"
        container = containers + "/{name}"
        versions = container + "/versions"
        version = versions + "/{version}"
        above, below = f"{self.title}Containers", f"{self.title}Versions"
        return [
            Operation(f"{above}.List", "GET", containers, self.list_containers),
            Operation(f"{above}.Get", "GET", container, self.get_container),
            Operation(f"{above}.CreateOrUpdate", "PUT", container, self.put_container),
            Operation(f"{above}.Delete", "DELETE", container, self.delete_container),
            Operation(f"{below}.List", "GET", versions, self.list_versions),
            Operation(f"{below}.Get", "GET", version, self.get),
            Operation(f"{below}.CreateOrUpdate", "PUT", version, self.put),
            Operation(f"{below}.Delete", "DELETE", version, self.delete),
        ]

    # What a subclass may say.

    def accept(self, call: Call, properties: Json) -> Json:  # noqa: ARG002 - for subclasses
        """Give the properties to store, or refuse them."""
        return properties

    def keeps(self, old: Resource) -> bool:  # noqa: ARG002 - for subclasses
        """Say whether a second PUT of this version changes nothing, whatever it says."""
        return False

    def show(self, resource: Resource) -> Json:
        """Give what a GET answers."""
        return envelope(resource)

    # The operations.

    async def put(self, call: Call) -> Response:
        """Make a version, or change what may be changed of it."""
        name, version = call.params["name"], call.params["version"]
        _refuse_name(name)
        properties = properties_of(call.body)
        properties.setdefault("tags", {})
        properties.setdefault("properties", {})
        properties.setdefault("isArchived", False)
        properties = self.accept(call, properties)
        # Values of `properties` are strings to the service; the SDK sends a number for code.
        given = properties["properties"] or {}
        properties["properties"] = {key: _text(value) for key, value in given.items()}
        if self.kind != "data":
            properties["provisioningState"] = "Succeeded"
        old = self._context.store.get(self._id(name, version))
        if old and self.keeps(old):
            return JSONResponse(self.show(old), 200)
        if old:
            self._refuse_changes(old, properties)
        resource, created = self._context.store.put(
            self._id(name, version),
            self._versions,
            {**call.body, "properties": properties},
            parent=self._container(name),
        )
        self._ensure_container(name, properties)
        return JSONResponse(self.show(resource), 201 if created else 200)

    def add(self, name: str, version: str | None, given: Json) -> Resource:
        """Make a version for somebody who is no caller; without a version the next one."""
        container = self._container(name)
        number = version or _next_version(self._context.store.names(self._versions, container))
        properties: Json = {"tags": {}, "properties": {}, "isArchived": False, **given}
        if self.kind != "data":
            properties["provisioningState"] = "Succeeded"
        body = {"properties": properties}
        resource, _ = self._context.store.put(
            self._id(name, number), self._versions, body, parent=container
        )
        self._ensure_container(name, properties)
        return resource

    async def get(self, call: Call) -> Response:
        """Describe one version."""
        name, version = call.params["name"], call.params["version"]
        if version.lower() in DEFAULT_VERSIONS:
            resource = self._latest(name)
        else:
            resource = self._context.store.get(self._id(name, version))
        if resource is None:
            raise not_found(f"{self.title} {name}:{version}")
        return JSONResponse(self.show(resource))

    async def delete(self, call: Call) -> Response:
        """Forget one version, and with the last one the name."""
        name = call.params["name"]
        found = self._context.store.delete(self._id(name, call.params["version"]))
        if found and not self._context.store.names(self._versions, self._container(name)):
            self._context.store.delete(self._container(name))
        return Response(status_code=200 if found else 204)

    async def list_versions(self, call: Call) -> Response:
        """Give the versions of one name, oldest first unless asked otherwise."""
        versions = self._context.store.walk(
            self._versions,
            self._container(call.params["name"]),
            newest_first=call.query("$orderBy").lower() == "createdtime desc",
            archived=call.archived(),
            after=call.after,
        )
        return call.page_of(versions, self.show)

    async def get_container(self, call: Call) -> Response:
        """Describe a name: its latest and its next version."""
        container = self._context.store.get(self._container(call.params["name"]))
        if container is None:
            raise not_found(f"{self.title} {call.params['name']}")
        return JSONResponse(self._show_container(container))

    async def put_container(self, call: Call) -> Response:
        """Make a name, or say of all its versions that they are archived."""
        name = call.params["name"]
        _refuse_name(name)
        given = properties_of(call.body)
        kept = {key: value for key, value in given.items() if key not in COMPUTED}
        resource, created = self._context.store.put(
            self._container(name),
            self.kind,
            {**call.body, "properties": kept},
            parent=self._context.workspace,
        )
        return JSONResponse(self._show_container(resource), 201 if created else 200)

    async def delete_container(self, call: Call) -> Response:
        """Forget a name and all its versions."""
        container = self._container(call.params["name"])
        for version in self._context.store.names(self._versions, container):
            self._context.store.delete(f"{container}/versions/{version}")
        found = self._context.store.delete(container)
        return Response(status_code=200 if found else 204)

    async def list_containers(self, call: Call) -> Response:
        """Give all names but those that the SDK makes for what has none."""
        containers = self._context.store.walk(
            self.kind, self._context.workspace, archived=call.archived(), after=call.after
        )
        named = (one for one in containers if not one.state.get("isAnonymous"))
        return call.page_of(named, self._show_container)

    @property
    def _versions(self) -> str:
        return f"{self.kind}/versions"

    def _ensure_container(self, name: str, version: Json) -> None:
        if self._context.store.get(self._container(name)):
            return
        properties: Json = {"description": None, "tags": {}, "properties": {}, "isArchived": False}
        if self.kind == "data":
            properties["dataType"] = version.get("dataType")
        self._context.store.put(
            self._container(name),
            self.kind,
            {"properties": properties},
            state={"isAnonymous": bool(version.get("isAnonymous"))},
            parent=self._context.workspace,
        )

    def _show_container(self, container: Resource) -> Json:
        versions = self._context.store.names(self._versions, container.id)
        computed: Json = {
            "latestVersion": versions[-1] if versions else None,
            "nextVersion": _next_version(versions),
        }
        if self.kind != "data":
            computed["provisioningState"] = "Succeeded"
        return envelope(container, {**container.properties, **computed})

    def _latest(self, name: str) -> Resource | None:
        versions = self._context.store.walk(
            self._versions, self._container(name), newest_first=True
        )
        return next(versions, None)

    def _refuse_changes(self, old: Resource, properties: Json) -> None:
        for name in self.immutable:
            if _canonical(old.properties.get(name)) != _canonical(properties.get(name)):
                message = (
                    f"A resource with this name and version already exists: {old.id}. "
                    f"The property '{name}' cannot be changed."
                )
                raise user_error(message, "ImmutableProperty")

    def _container(self, name: str) -> str:
        return f"{self._context.workspace}/{self.kind}/{name}"

    def _id(self, name: str, version: str) -> str:
        return f"{self._container(name)}/versions/{version}"


def _next_version(versions: tuple[str, ...]) -> str:
    numbers = [int(version) for version in versions if version.isdecimal()]
    return str(max(numbers, default=0) + 1)


def _refuse_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise user_error(f"'{name}' is not a valid name.", "InvalidAssetName")


def _text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _canonical(value: object) -> object:
    """Read what SDKs write in several ways as one: archiving sends `true` back as "True"."""
    if isinstance(value, dict):
        return {key: _canonical(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_canonical(each) for each in value]
    if isinstance(value, bool) or value in ("True", "False"):
        return str(value).lower()
    return value
