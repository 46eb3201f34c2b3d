"""Starts the inference server at the loopback interface: `inference_launcher.py PATHS OPTION…`.

A script of its own: it runs in the environment of the server. PATHS is what the chosen Python
says of itself; scoring scripts find its packages behind those that the server pins.
"""

import json
import sys
from importlib import import_module
from typing import Any


def main() -> None:
    """Run the server until it is told to end."""
    version, paths = json.loads(sys.argv.pop(1))
    # Parts of the namespace `azure` are found where it was first looked for.
    import_module("azure.monitor.opentelemetry.exporter")
    if tuple(version) == sys.version_info[:2]:
        sys.path.extend(path for path in paths if path not in sys.path)
    else:
        print(f"Packages of Python {version} are not used: the server has another version.")
    # Imported by name: the server is not among the packages of the emulator.
    amlserver: Any = import_module("azureml_inference_server_http.amlserver")
    amlserver.DEFAULT_HOST = "127.0.0.1"
    amlserver.run()


if __name__ == "__main__":
    main()
