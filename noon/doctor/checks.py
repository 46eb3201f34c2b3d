"""Every check of `noon doctor`, in the order in which a person would look."""

from __future__ import annotations

from noon.doctor import azure, functions, machine, servers, storage, work
from noon.doctor.examining import Check

REACH = "is it running, and can this machine reach it? noon logs, or the portal"
RIGHTS = "see the roles of this identity (docs: on Azure), and the firewall of the account"

CHECKS = (
    Check("python", machine.python, "make setup"),
    Check("node", machine.node, "make setup"),
    Check("stack", machine.stack, "noon down, noon up"),
    Check("settings", machine.settings, "local.settings.sample.json has every setting"),
    Check("models", machine.models, "see models/*.toml"),
    Check("certificates", servers.certificates, "see SSL_CERT_FILE and REQUESTS_CA_BUNDLE"),
    Check("clock", servers.clock, REACH),
    Check("identity", azure.identity, "az login, or see the managed identity"),
    Check("blobs", storage.blobs, RIGHTS),
    Check("queue", storage.queue, RIGHTS),
    Check("tables", storage.tables, RIGHTS),
    Check("landing", storage.landing, RIGHTS),
    Check("workspace", azure.workspace, REACH),
    Check("release", azure.release, "noon deploy components"),
    Check("endpoints", azure.endpoints, REACH),
    Check("containers", azure.containers, REACH),
    Check("subscriptions", azure.subscriptions, REACH),
    Check("app", functions.app, REACH),
    Check("functions", functions.functions, REACH),
    Check("keys", functions.keys, REACH),
    Check("timers", functions.timers, "see TRAINING_SCHEDULE and TICK_SCHEDULE"),
    Check("queue-age", work.queue_age, RIGHTS),
    Check("poison", work.poison, RIGHTS),
    Check("dead-letters", work.dead_letters, RIGHTS),
    Check("overdue", work.overdue, RIGHTS),
)
NAMES = tuple(check.name for check in CHECKS)
