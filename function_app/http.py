"""HTTP: predictions, status and orders; an error is always problem+json."""

import json

import azure.functions as func

from function_app.responding import respond
from shared.application import orders
from shared.application.problems import Answer
from shared.bootstrap import runtime

blueprint = func.Blueprint()


@blueprint.function_name("health")
@blueprint.route(route="health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding asks for it
    """The app was loaded and its settings are right."""
    return respond(Answer(200, json.dumps({"status": "ok"}).encode()))


@blueprint.function_name("predict")
@blueprint.route(route="models/{model}/predict", methods=["POST"])
async def predict(req: func.HttpRequest) -> func.HttpResponse:
    """Score rows with the model's champion."""
    model = req.route_params["model"]
    return respond(await runtime().predictions.answer(model, req.get_body()))


@blueprint.function_name("train")
@blueprint.route(route="models/{model}/train", methods=["POST"])
def train(req: func.HttpRequest) -> func.HttpResponse:
    """Order a training; the function's own key opens it."""
    model = req.route_params["model"]
    return respond(orders.take_order(runtime().plane, model, "train", req.get_body()))


@blueprint.function_name("rollout")
@blueprint.route(route="models/{model}/rollout/{verb}", methods=["POST"])
def rollout(req: func.HttpRequest) -> func.HttpResponse:
    """Order something about the model's versions; the function's own key opens it."""
    model, verb = req.route_params["model"], req.route_params["verb"]
    return respond(orders.take_order(runtime().plane, model, verb, req.get_body()))
