"""The three steps again, put together in Python."""

from pathlib import Path

from azure.ai.ml import Input, load_component
from azure.ai.ml.dsl import pipeline
from azure.ai.ml.entities import PipelineJob

HERE = Path(__file__).parent


def three_steps(epochs: int = 400) -> PipelineJob:
    """Give the job, not yet submitted."""
    train = load_component(HERE / "train.yml")
    score = load_component(HERE / "score.yml")
    evaluate = load_component(HERE / "eval.yml")

    @pipeline(display_name="three-steps", experiment_name="three-steps")
    def train_score_evaluate(training_data, test_data, epochs, tolerance):
        """Fit a line, predict with it, say how far it is off."""
        trained = train(training_data=training_data, max_epochs=epochs, learning_rate=0.05)
        scored = score(model=trained.outputs.model, test_data=test_data)
        evaluated = evaluate(predictions=scored.outputs.predictions, tolerance=tolerance)
        return {"model": trained.outputs.model, "report": evaluated.outputs.report}

    data = Input(type="uri_folder", path=str(HERE / "data"))
    job = train_score_evaluate(data, data, epochs, 0.5)
    job.settings.default_compute = "cpu-cluster"
    return job
