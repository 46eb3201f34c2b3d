"""What is published for scoring containers, in blobs, and what the containers say of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_blobs import AzureContainer, AzureRunFiles
from shared.adapters.azure_errors import azure_errors
from shared.adapters.prober import AzureProber
from shared.domain.actions import Role
from shared.domain.errors import RefusedError
from shared.domain.facts import ContainerFacts, ContainerSays, Published, SmokeFacts
from shared.domain.places import output_path, serving_path
from shared.ports import Clock

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

POINTER_SCHEMA = 1
NEEDED = frozenset({"model.onnx", "schema.json", "sample.json"})
"""Without these a container has nothing to load or nothing to try it with."""
DIGEST_LENGTH = 16
ASK_SECONDS = 5.0
"""A pass holds a lease: a container that takes longer is asked again by the next one."""


class AzureContainerServing:
    """Folders and pointers below `noon/serving/` of the container of runs.

    `url` is the address of a model's scoring container, in which `{model}` stands for the
    model's name; `scope` is what its tokens are for, None when it takes none.
    """

    def __init__(
        self,
        blobs: AzureContainer,
        credential: TokenCredential,
        clock: Clock,
        url: str,
        scope: str | None,
    ) -> None:
        self._blobs = blobs
        self._files = AzureRunFiles(blobs)
        self._credential = credential
        self._clock = clock
        self._url = url
        self._scope = scope
        self._prober = AzureProber(credential, scope=scope)

    def get(self, model: str) -> ContainerFacts:
        """What is published, and what the container says of itself if it can be asked."""
        says, silence = self._ask(model)
        return ContainerFacts(
            scoring_uri=self._address(model, "score"),
            champion=_published(self._files.read(_pointer(model, "champion"))),
            challenger=_published(self._files.read(_pointer(model, "challenger"))),
            says=says,
            silence=silence,
        )

    def publish(self, model: str, role: Role, version: int, job: str) -> None:
        """Copy the job's model folder and point the role at it; done before is success.

        Raises RefusedError when the job left no model folder.
        """
        doing = f"publish version {version} of {model}"
        files = self._folder(job, doing)
        if missing := sorted(NEEDED - files.keys()):
            raise RefusedError(f"{doing}: {job} left no {', '.join(missing)}")
        listed = [_entry(path, content) for path, content in sorted(files.items())]
        digest = hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:DIGEST_LENGTH]
        wished = Published(version, digest)
        if _published(self._files.read(_pointer(model, role))) == wished:
            return
        folder = f"v{version}-{digest}"
        for path, content in sorted(files.items()):
            self._files.write_once(serving_path(model, f"{folder}/{path}"), content)
        pointer = {
            "schema": POINTER_SCHEMA,
            "model": model,
            "version": version,
            "folder": folder,
            "digest": digest,
            "files": listed,
            "published_at": self._clock.now().isoformat(),
        }
        # Last of all: whoever reads it finds everything that it names.
        with azure_errors(doing):
            self._blobs.client().upload_blob(
                _pointer(model, role), json.dumps(pointer, indent=1).encode(), overwrite=True
            )

    def withdraw(self, model: str, role: Role) -> None:
        """Point the role at nothing; what points at nothing is success."""
        from azure.core.exceptions import ResourceNotFoundError

        with azure_errors(f"withdraw the {role} of {model}"), suppress(ResourceNotFoundError):
            self._blobs.client().delete_blob(_pointer(model, role))

    def smoke(self, model: str, deployment: str, rows: Sequence[dict[str, object]]) -> SmokeFacts:
        """Send the rows to the version of that name, champion or challenger."""
        return self._prober.smoke(self._address(model, "score"), deployment, rows)

    def _folder(self, job: str, doing: str) -> dict[str, bytes]:
        """The files of the job's model folder by their path in it."""
        prefix = output_path(job, "model")
        with azure_errors(doing):
            names = list(self._blobs.client().list_blob_names(name_starts_with=prefix))
        contents = {name.removeprefix(prefix): self._files.read(name) for name in names}
        return {path: content for path, content in contents.items() if path and content is not None}

    def _ask(self, model: str) -> tuple[ContainerSays | None, str]:
        """What the container says, or why nothing was heard."""
        import requests
        from azure.core.exceptions import AzureError

        try:
            headers = {}
            if self._scope is not None:
                token = self._credential.get_token(self._scope).token
                headers["Authorization"] = f"Bearer {token}"
            url = self._address(model, "serving")
            answer = requests.get(url, headers=headers, timeout=ASK_SECONDS)
            answer.raise_for_status()
            return _says(answer.json()), ""
        except (requests.RequestException, AzureError) as error:
            return None, str(error)[:300]
        except (ValueError, KeyError, TypeError) as error:
            return None, f"it talks nonsense: {error!r}"[:300]

    def _address(self, model: str, route: str) -> str:
        return f"{self._url.replace('{model}', model)}/{route}"


def _pointer(model: str, role: Role) -> str:
    return serving_path(model, f"{role}.json")


def _entry(path: str, content: bytes) -> dict[str, object]:
    digest = hashlib.sha256(content).hexdigest()
    return {"path": path, "size": len(content), "sha256": digest}


def _published(content: bytes | None) -> Published | None:
    """What a pointer names; one that cannot be read names nothing and is written anew."""
    try:
        return _named(json.loads(content)) if content else None
    except (ValueError, KeyError, TypeError):
        return None


def _named(content: Any) -> Published:
    return Published(int(content["version"]), str(content["digest"]))


def _says(content: Any) -> ContainerSays:
    champion, challenger = content["champion"], content["challenger"]
    return ContainerSays(
        environment=int(content["environment"]),
        champion=_named(champion) if champion else None,
        challenger=_named(challenger) if challenger else None,
        refused={str(each["digest"]): str(each["reason"]) for each in content["refused"]},
    )
