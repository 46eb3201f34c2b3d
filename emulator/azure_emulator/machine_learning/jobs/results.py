"""Outputs that become data assets and models when their step has completed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..asset_kinds import DataAssets, Models
    from ..uris import Places
    from .plan import Output, Step

MODEL_TYPES = ("custom_model", "mlflow_model", "triton_model")


class Results:
    """Registers what steps were told to register."""

    def __init__(self, data: DataAssets, models: Models, places: Places) -> None:
        self._places = places
        self._data = data
        self._models = models

    def register(self, run: str, step: Step, outputs: dict[str, str]) -> None:
        """Make a version of every output of the run that has the name of an asset."""
        for name, uri in outputs.items():
            target = step.outputs[name]
            if target.asset_name:
                self._register(run, target, target.asset_name, uri)

    def _register(self, run: str, target: Output, asset: str, place: str) -> None:
        uri = self._places.long_uri(place)
        if target.type in MODEL_TYPES:
            given = {"modelUri": uri, "modelType": target.type, "jobName": run}
            self._models.add(asset, target.asset_version, given)
        else:
            given = {"dataUri": uri, "dataType": target.type}
            self._data.add(asset, target.asset_version, given)
