"""HTTP: what the web page and the command line read; see function_app/api for the types."""

import azure.functions as func

from function_app.responding import read, read_of_model, respond_unless_known
from shared.application import decision_pages, fleet, model_detail, rollout_view, runs, why
from shared.application import versions as judged
from shared.application.problems import Answer
from shared.bootstrap import runtime

blueprint = func.Blueprint()


@blueprint.function_name("openapi")
@blueprint.route(route="openapi.json", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def openapi(req: func.HttpRequest) -> func.HttpResponse:
    """The document of this API."""
    from function_app.api.document import document_text

    return respond_unless_known(req, Answer(200, document_text().encode()))


@blueprint.function_name("models")
@blueprint.route(route="models", methods=["GET"])
def models(req: func.HttpRequest) -> func.HttpResponse:
    """Every model at a glance."""
    return read(req, "models", fleet.fleet)


@blueprint.function_name("model")
@blueprint.route(route="models/{model}", methods=["GET"])
def model(req: func.HttpRequest) -> func.HttpResponse:
    """One model with policy, data and schedule."""
    return read_of_model(req, "model", model_detail.model_detail)


@blueprint.function_name("model_schema")
@blueprint.route(route="models/{model}/schema", methods=["GET"])
def model_schema(req: func.HttpRequest) -> func.HttpResponse:
    """What the champion wants to know, with sample rows."""
    return read_of_model(req, "model_schema", model_detail.model_schema)


@blueprint.function_name("model_versions")
@blueprint.route(route="models/{model}/versions", methods=["GET"])
def model_versions(req: func.HttpRequest) -> func.HttpResponse:
    """Champion, challengers, former and refused ones."""
    return read_of_model(req, "model_versions", judged.versions)


@blueprint.function_name("model_runs")
@blueprint.route(route="models/{model}/runs", methods=["GET"])
def model_runs(req: func.HttpRequest) -> func.HttpResponse:
    """Slots, landings and jobs."""
    return read_of_model(req, "model_runs", runs.runs)


@blueprint.function_name("model_rollout")
@blueprint.route(route="models/{model}/rollout", methods=["GET"])
def model_rollout(req: func.HttpRequest) -> func.HttpResponse:
    """How the rollout stands, its checks and its history."""
    return read_of_model(req, "model_rollout", rollout_view.rollout_view)


@blueprint.function_name("model_decisions")
@blueprint.route(route="models/{model}/decisions", methods=["GET"])
def model_decisions(req: func.HttpRequest) -> func.HttpResponse:
    """The decision log, in parts."""
    return read_of_model(req, "model_decisions", decision_pages.decisions)


@blueprint.function_name("why")
@blueprint.route(route="why/{*id}", methods=["GET"])
def why_of(req: func.HttpRequest) -> func.HttpResponse:
    """The chain behind an id; that of a file has slashes, hence the star."""
    asked, model = req.route_params.get("id", ""), req.params.get("model", "")
    return respond_unless_known(req, why.answer(runtime().plane, asked, model))
