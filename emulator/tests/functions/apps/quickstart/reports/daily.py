"""A blueprint."""

import azure.functions as func

bp = func.Blueprint()


@bp.route(route="reports/{day?}", methods=["GET"])
async def report(req: func.HttpRequest) -> func.HttpResponse:
    """Say for which day."""
    return func.HttpResponse(req.route_params.get("day") or "today", mimetype="text/plain")
