"""The function app: one trigger a source, each of which hands on and returns.

Importing it refuses to go on when a setting or a model file is wrong: a host that shows no
functions is noticed, one that fails at noon is not.
"""

import azure.functions as func

from function_app import alerts, events, http, queue, reads, timers
from shared.bootstrap import runtime
from shared.collector import settle

runtime()

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
for source in (timers, events, queue, http, reads, alerts):
    app.register_functions(source.blueprint)

settle()

__all__ = ["app"]
