"""Drills of the gate in which the data or the model is not as it should be.

Each job really runs: the production components prepare, train and evaluate small tables, and
the production gate reads what they wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from shared.application import intake
from shared.domain.events import Verb
from simulation.drills.datasets import CLEAN, Spoilt, files_of
from simulation.drills.drafts import linear_draft, made_slow
from simulation.drills.drill import Drill, Found
from simulation.drills.gate_files import DRILLS as FILE_DRILLS
from simulation.drills.laboratory import Laboratory, Recipe
from simulation.drills.verdict import ask_for_training, quiet_world, verdict_on
from simulation.drills.world import MODEL, World, drilled_model

YOUNG, OLD = timedelta(hours=2), timedelta(days=15)

GOOD = Recipe(CLEAN)
TWIN = Recipe(CLEAN, iterations=42)
WEAK = Recipe(CLEAN, features=("origin", "hour"))
SHUFFLED = Recipe(Spoilt(shuffled=True))
RUINED = Recipe(Spoilt(slice_turned=True))
SPOILT_HOLDOUT = Recipe(Spoilt(newest_turned=True))
FEW = Recipe(Spoilt(rows_a_day=60))


def _slow(_: Laboratory, draft: Path) -> None:
    made_slow(draft / "model.onnx")


def _exchanged(lab: Laboratory, draft: Path) -> None:
    """The file is another model's than the one that was trained."""
    other = lab.home / "exchanged"
    lab.train.succeed(
        *("--data", lab.home / "data-0" / "data", "--spec", lab.spec(Recipe(CLEAN, iterations=5))),
        *("--job-name", "drill", "--draft", other),
    )
    (draft / "model.onnx").write_bytes((other / "model.onnx").read_bytes())


SLOW = Recipe(CLEAN, afterwards=_slow)
EXCHANGED = Recipe(CLEAN, afterwards=_exchanged)


def _land(world: World, spoilt: Spoilt) -> None:
    for name, content in files_of(spoilt).items():
        world.landing.put(f"flights/{name}", content)


def _champion(lab: Laboratory, recipe: Recipe) -> World:
    """A world in which a version of this recipe was trained, judged and rules."""
    world = quiet_world()
    _land(world, recipe.data)
    ran = lab.run_job(world, ask_for_training(world), recipe)
    world.go_on(10)
    if world.champion() != 1:
        raise RuntimeError(f"no first champion: {world.at().last_refusal or ran.output}")
    return world


def _judged(
    lab: Laboratory, champion: Recipe | None, challenger: Recipe, age: timedelta = YOUNG
) -> Found:
    """A challenger of one recipe is judged beside a champion of another, which is so old."""
    world = quiet_world() if champion is None else _champion(lab, champion)
    if champion is None or champion.data != challenger.data:
        _land(world, challenger.data)
    training = ask_for_training(world, age)
    ran = lab.run_job(world, training, challenger)
    found = verdict_on(world, training)
    return Found(found.got, found.reason or ran.output)


def _folders_swapped(lab: Laboratory) -> Found:
    """Evaluate is given the champion as the draft and the draft as the champion."""
    world = _champion(lab, GOOD)
    training = ask_for_training(world)
    manifest = world.files.read(training.manifest.path)
    assert manifest is not None
    data = lab.data(CLEAN, manifest)
    champion, _ = lab.model_of(world, 1)
    ran = lab.finish(world, training, data, Path(champion))
    found = verdict_on(world, training)
    return Found(found.got, f"evaluate: {ran.output}")


def _champion_unreadable(lab: Laboratory) -> Found:
    """The champion's folder cannot be read: nothing was compared."""
    world = _champion(lab, GOOD)
    for path in [path for path in world.files.files if path.endswith("model.onnx")]:
        world.files.files[path] = b"not a model"
    training = ask_for_training(world)
    lab.run_job(world, training, TWIN)
    return verdict_on(world, training)


def _accepted(lab: Laboratory, *challengers: Recipe) -> Found:
    """The champion cannot be scored any more; an operator accepts the next one, ordering twice."""
    world = _champion(lab, GOOD)
    for path in [path for path in world.files.files if path.endswith("model.onnx")]:
        world.files.files[path] = b"not a model"
    found = []
    for recipe in (TWIN, *challengers):
        if recipe.data != CLEAN:
            _land(world, recipe.data)
        training = ask_for_training(world)
        lab.run_job(world, training, recipe)
        found.append(verdict_on(world, training))
        if len(found) == 1:
            for _ in range(2):
                intake.order(world.plane, MODEL, Verb.ACCEPT, "ada", "its columns changed")
            world.work_off()
        world.go_on(90, callers=200)
    words = ", ".join(each.got.partition(":")[0] for each in found)
    codes = ", ".join(each.got.partition(": ")[2] for each in found)
    return Found(f"{words}: {codes}", found[1].reason)


def _ratchet(lab: Laboratory, rounds: int = 10) -> Found:
    """Every model is a little worse than the one before, as good within the margin, and old."""
    world = quiet_world()
    _land(world, CLEAN)
    verdicts, best = [], 0.0
    for number in range(rounds + 1):
        training = ask_for_training(world, OLD)
        manifest = world.files.read(training.manifest.path)
        assert manifest is not None
        draft = linear_draft(lab.home / f"ratchet-{number}", number)
        lab.finish(world, training, lab.data(CLEAN, manifest), draft)
        verdicts.append(verdict_on(world, training))
        world.go_on(60, callers=200)
        best = max(best, _value(world))
    words = ", ".join(found.got for found in verdicts)
    lost = best - _value(world)
    if lost > drilled_model().gate.margin:
        return Found(f"lost {lost:.4f} in {rounds} steps", words)
    # Nothing but the anchor stands against these.
    stopped = [each for each in verdicts if each.got == "Retain: worse_than_anchor"]
    let_through = sum(each.got == "Promote: refresh" for each in verdicts)
    text = f"{let_through} of {rounds} steps were refreshes, {lost:.4f} was lost in all"
    found = stopped[0] if stopped else verdicts[-1]
    return Found(found.got, f"{text}; the anchor's word: {found.reason}")


def _value(world: World) -> float:
    champion = world.at().champion
    return champion.version.score.value if champion else 0.0


CASES: tuple[tuple[str, str, Callable[[Laboratory], Found]], ...] = (
    (
        "a first model, above the baseline",
        "Promote: first",
        partial(_judged, champion=None, challenger=GOOD),
    ),
    ("clearly better", "Promote: better", partial(_judged, champion=WEAK, challenger=GOOD)),
    ("clearly worse", "Retain: worse", partial(_judged, champion=GOOD, challenger=WEAK)),
    ("a tie, a young champion", "Retain: tie", partial(_judged, champion=GOOD, challenger=TWIN)),
    (
        "a tie, an old champion",
        "Promote: refresh",
        partial(_judged, champion=GOOD, challenger=TWIN, age=OLD),
    ),
    (
        "labels shuffled",
        "Halt: suspect_holdout",
        partial(_judged, champion=GOOD, challenger=SHUFFLED),
    ),
    (
        "labels shuffled, no champion yet",
        "Retain",
        partial(_judged, champion=None, challenger=SHUFFLED),
    ),
    (
        "one slice ruined while the mean improves",
        "Retain: slice_worse",
        partial(_judged, champion=WEAK, challenger=RUINED),
    ),
    (
        "corrupt labels in the newest days",
        "Halt: suspect_holdout",
        partial(_judged, champion=GOOD, challenger=SPOILT_HOLDOUT),
    ),
    (
        "an ONNX file that is not the trained model",
        "Retain: export_differs",
        partial(_judged, champion=WEAK, challenger=EXCHANGED),
    ),
    (
        "a model that answers slowly",
        "Retain: too_slow",
        partial(_judged, champion=WEAK, challenger=SLOW),
    ),
    ("too few rows", "Retain: too_few_rows", partial(_judged, champion=None, challenger=FEW)),
    ("a champion that cannot be read", "Halt: malformed", _champion_unreadable),
    (
        "a champion that cannot be read: the next one is accepted, once",
        "Halt, Promote, Retain: malformed, accepted, tie",
        lambda lab: _accepted(lab, GOOD, TWIN),
    ),
    (
        "accepted without the champion, and no better than guessing",
        "Halt, Retain: malformed",
        lambda lab: _accepted(lab, SHUFFLED),
    ),
    ("arguments swapped: the folders", "Failed: retry", _folders_swapped),
    ("ten small regressions in a row", "Retain: worse_than_anchor", _ratchet),
)


def drills(lab: Laboratory) -> list[Drill]:
    """Every drill of the gate; those with models run in this laboratory."""
    modelled = [Drill(name, expected, partial(play, lab)) for name, expected, play in CASES]
    return [*modelled, *FILE_DRILLS]
