"""Route templates of HTTP functions, matched as the host matches them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from azure_emulator.functions.errors import AppError
from azure_emulator.functions.loading import LoadedFunction

_CONSTRAINTS = {
    "int": r"-?\d{1,10}",
    "long": r"-?\d{1,19}",
    "alpha": r"[a-zA-Z]+",
    "bool": r"true|false",
    "guid": r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
}
_PARAMETER = re.compile(r"\{(\*{0,2})([A-Za-z_][\w-]*)(?::([^}]*?))?(\?)?\}")
_METHODS = ("GET", "POST", "DELETE", "HEAD", "PATCH", "PUT", "OPTIONS", "TRACE", "CONNECT")


@dataclass(frozen=True)
class Route:
    """One HTTP function's place in the URL space."""

    function: LoadedFunction
    template: str
    methods: frozenset[str]
    level: str
    pattern: re.Pattern[str]
    parameters: tuple[str, ...]

    def match(self, path: str) -> dict[str, str] | None:
        """Return the route parameters that a raw path gives, or None when it is another route."""
        found = self.pattern.match(path)
        if found is None:
            return None
        return {
            name: _decode(value)
            for name, value in zip(self.parameters, found.groups(), strict=True)
            if value is not None
        }


def build_routes(functions: Iterable[LoadedFunction], prefix: str) -> tuple[Route, ...]:
    """Return the routes of the HTTP functions in matching order: by function name.

    Refuses the routes that stop the real host.
    """
    routes = tuple(
        _route(function, prefix) for function in functions if function.kind == "httpTrigger"
    )
    for index, route in enumerate(routes):
        for other in routes[:index]:
            same = route.template.lower() == other.template.lower()
            if same and route.methods & other.methods:
                raise AppError(
                    f"function {route.function.name!r}: the route {route.template!r} is taken by "
                    f"{other.function.name!r}"
                )
    return routes


def _route(function: LoadedFunction, prefix: str) -> Route:
    own = str(function.trigger.get("route") or function.name)
    if own.strip("/").lower().startswith(("admin", "runtime")):
        raise AppError(
            f"function {function.name!r}: the route {own!r} conflicts with the host's own routes "
            "(admin, runtime)"
        )
    template = f"{prefix}/{own}" if prefix else own.removeprefix("/")
    if "//" in template:
        raise AppError(
            f"function {function.name!r}: the route template {template!r} holds '//', "
            "which stops the host"
        )
    pattern, parameters = _compile(function.name, template.strip("/"))
    methods = function.trigger.get("methods") or _METHODS
    return Route(
        function=function,
        template=template.strip("/"),
        methods=frozenset(str(method).upper() for method in methods),
        level=str(function.trigger.get("authLevel") or "function").lower(),
        pattern=pattern,
        parameters=parameters,
    )


def _compile(name: str, template: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    parameters: list[str] = []
    segments = template.split("/") if template else []
    parts = [_segment(name, segment, parameters) for segment in segments]
    if len(set(parameters)) != len(parameters):
        raise AppError(f"function {name!r}: a route parameter of {template!r} appears twice")
    return re.compile("".join(parts) + "/?$", re.IGNORECASE), tuple(parameters)


def _segment(name: str, segment: str, parameters: list[str]) -> str:
    text, end, optional = "", 0, False
    for match in _PARAMETER.finditer(segment):
        star, parameter, constraint, question = match.groups()
        if constraint is not None and constraint not in _CONSTRAINTS:
            raise AppError(
                f"function {name!r}: this host does not support the route constraint "
                f"{constraint!r} (it knows {', '.join(sorted(_CONSTRAINTS))})"
            )
        parameters.append(parameter)
        text += re.escape(segment[end : match.start()])
        inner = _CONSTRAINTS[constraint] if constraint else (".*" if star else "[^/]+?")
        text += f"({inner})"
        optional = optional or bool(question or star)
        end = match.end()
    rest = segment[end:]
    if "{" in rest or "}" in rest:
        raise AppError(f"function {name!r}: cannot read the route segment {segment!r}")
    text += re.escape(rest)
    return f"(?:/{text})?" if optional else f"/{text}"


def _decode(value: str) -> str:
    """Decode a path segment; an encoded slash stays encoded, as ASP.NET leaves it."""
    return unquote(re.sub("%2f", lambda found: f"%25{found.group()[1:]}", value, flags=re.I))
