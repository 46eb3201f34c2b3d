"""Versioned assets: what data, models, environments, codes and components have in common."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from ..arm import Json, envelope, not_found, properties_of, user_error
from ..router import WORKSPACE, Call, Operation
from ..store import newest_first

if TYPE_CHECKING:
    from ..context import Context
    from ..resource import Resource

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,254}")
DEFAULT_VERSIONS = ("azureml_default", "default")


class Assets:
    """One kind of asset; subclasses say what is special about it."""

    kind = ""
    title = ""
    immutable: tuple[str, ...] = ()
    """Properties that a second PUT of the same version may not change."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def operations(self) -> list[Operation]:
        """Give the operations on containers and on versions."""
        containers = f"{WORKSPACE}/{self.kind}"
        versions = f"{containers}/{{name}}/versions"
        return [
            Operation(f"{self.title}Containers.List", "GET", containers, self.list_containers),
            Operation(
                f"{self.title}Containers.Get", "GET", containers + "/{name}", self.get_container
            ),
            Operation(f"{self.title}Versions.List", "GET", versions, self.list_versions),
            Operation(f"{self.title}Versions.Get", "GET", versions + "/{version}", self.get),
            Operation(
                f"{self.title}Versions.CreateOrUpdate", "PUT", versions + "/{version}", self.put
            ),
            Operation(
                f"{self.title}Versions.Delete", "DELETE", versions + "/{version}", self.delete
            ),
        ]

    # What a subclass may say.

    def accept(self, call: Call, properties: Json) -> Json:  # noqa: ARG002 - for subclasses
        """Give the properties to store, or refuse them."""
        return properties

    def show(self, resource: Resource) -> Json:
        """Give what a GET answers."""
        return envelope(resource)

    # The operations.

    async def put(self, call: Call) -> Response:
        """Make a version, or change what may be changed of it."""
        name, version = call.params["name"], call.params["version"]
        if not NAME.fullmatch(name):
            raise user_error(f"'{name}' is not a valid name.", "InvalidAssetName")
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
        if old:
            self._refuse_changes(old, properties)
        resource, created = self._context.store.put(
            self._id(name, version),
            f"{self.kind}/versions",
            {**call.body, "properties": properties},
            parent=self._container(name),
        )
        return JSONResponse(self.show(resource), 201 if created else 200)

    async def get(self, call: Call) -> Response:
        """Describe one version."""
        name, version = call.params["name"], call.params["version"]
        if version.lower() in DEFAULT_VERSIONS:
            newest = newest_first(self._versions(name))
            resource = newest[0] if newest else None
        else:
            resource = self._context.store.get(self._id(name, version))
        if resource is None:
            raise not_found(f"{self.title} {name}:{version}")
        return JSONResponse(self.show(resource))

    async def delete(self, call: Call) -> Response:
        """Forget one version."""
        found = self._context.store.delete(self._id(call.params["name"], call.params["version"]))
        return Response(status_code=200 if found else 204)

    async def list_versions(self, call: Call) -> Response:
        """Give the versions of one name, oldest first unless asked otherwise."""
        versions = self._matching(call, self._versions(call.params["name"]))
        if call.query("$orderBy").lower() == "createdtime desc":
            versions = newest_first(versions)
        return call.page([self.show(version) for version in versions])

    async def get_container(self, call: Call) -> Response:
        """Describe a name: its latest and its next version."""
        versions = self._versions(call.params["name"])
        if not versions:
            raise not_found(f"{self.title} {call.params['name']}")
        return JSONResponse(self._show_container(call.params["name"], versions))

    async def list_containers(self, call: Call) -> Response:
        """Give all names."""
        by_name: dict[str, list[Resource]] = {}
        for version in self._context.store.list(f"{self.kind}/versions"):
            name = version.id.split("/")[-3]
            by_name.setdefault(name, []).append(version)
        shown = {name: self._matching(call, versions) for name, versions in by_name.items()}
        return call.page(
            [self._show_container(name, by_name[name]) for name, some in shown.items() if some]
        )

    def _show_container(self, name: str, versions: list[Resource]) -> Json:
        latest = newest_first(versions)[0]
        numbers = [int(version.name) for version in versions if version.name.isdecimal()]
        properties = {
            "description": latest.properties.get("description"),
            "tags": latest.properties.get("tags") or {},
            "properties": {},
            "isArchived": all(version.properties.get("isArchived") for version in versions),
            "latestVersion": latest.name,
            "nextVersion": str(max(numbers, default=0) + 1),
        }
        if self.kind == "data":
            properties["dataType"] = latest.properties.get("dataType")
        shown = envelope(latest, properties)
        return {
            **shown,
            "id": self._container(name),
            "name": name,
            "type": shown["type"].removesuffix("/versions"),
        }

    def _matching(self, call: Call, versions: list[Resource]) -> list[Resource]:
        view = call.query("listViewType", "ActiveOnly")
        if view == "All":
            return versions
        archived = view == "ArchivedOnly"
        return [one for one in versions if bool(one.properties.get("isArchived")) == archived]

    def _refuse_changes(self, old: Resource, properties: Json) -> None:
        for name in self.immutable:
            if old.properties.get(name) != properties.get(name):
                message = (
                    f"A resource with this name and version already exists: {old.id}. "
                    f"The property '{name}' cannot be changed."
                )
                raise user_error(message, "ImmutableProperty")

    def _versions(self, name: str) -> list[Resource]:
        return self._context.store.list(f"{self.kind}/versions", self._container(name))

    def _container(self, name: str) -> str:
        return f"{self._context.workspace}/{self.kind}/{name}"

    def _id(self, name: str, version: str) -> str:
        return f"{self._container(name)}/versions/{version}"


def _text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
