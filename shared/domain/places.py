"""Where things are kept in the container of runs; part of the contract with the components."""

CANARIES = "_canary/"
"""Below it, in the container where data lands, lie the blobs of canary events; no model's data."""


def manifest_path(model: str, data_version: str) -> str:
    """Where a manifest is kept in the container of runs."""
    return f"noon/manifests/{model}/{data_version}.json"


def spec_path(model: str, digest: str) -> str:
    """Where a training spec is kept in the container of runs."""
    return f"noon/specs/{model}/{digest}.json"


def serving_path(model: str, file: str) -> str:
    """Where a container finds what it is to serve: the pointers and the versions' folders."""
    return f"noon/serving/{model}/{file}"


def output_path(job: str, output: str, file: str = "") -> str:
    """Where a job writes an output, and a file of it."""
    return f"noon/runs/{job}/{output}/{file}"
