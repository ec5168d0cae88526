"""Explains a trained agent: plays, measures, writes the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np

from runner.agent.dqn import q_function
from runner.agent.xla import uses_xla
from runner.evaluation import QFunction
from runner.explain.frozen import frozen_scores
from runner.explain.page import bytes_of, curve, heated, in_short, state
from runner.explain.sample import Sample, draw_sample
from runner.explain.states import decisive, occlusion, response
from runner.importance import Importance, importance_of_bytes, pairs
from runner.report.pages import write_html
from runner.scores import published
from runner.settings.obs import PixelObservation
from runner.trained import Trained

TOP: Final = 20  # bytes in the table, of which as many as time allows are frozen
PAIRED: Final = 8  # bytes compared in pairs
STATES: Final = 6
CURVES: Final = 4
SQUARES: Final = 12  # occluded one after another, along the height of a screen


def explain(
    trained: Trained,
    out: Path,
    *,
    minutes: float,
    states: int,
    episodes: int,
    seed: int,
    tell: Callable[..., None],
) -> Path:
    """Measures the importance of an agent's inputs, and writes its page.

    Args:
        trained: The agent.
        out: The page.
        minutes: Time limit of the games with frozen bytes.
        states: Number of sampled states.
        episodes: Games for each score.
        seed: Seed of games, permutations and random weights.
        tell: Called with completed parts; with ``done=False``, with the part in progress.

    Returns:
        ``out``.
    """
    config, q_values = trained.config, trained.q_values
    sample = draw_sample(
        q_values, config, states=states, seed=seed,
        tell=lambda n: tell(f"states: {n} of {states}", done=n == states),
    )  # fmt: skip
    about = (
        f"{config.env.game}, obs={config.obs.name}, weights {trained.weights.name}; "
        f"{states:,} states from {sample.games} of its games."
    )
    if config.obs.name == "ram":
        content = _of_bytes(trained, sample, minutes, episodes, seed, tell)
    else:
        content = _of_screens(trained, sample)
    out.parent.mkdir(parents=True, exist_ok=True)
    title = f"What the agent reads: {config.env.game}"
    return write_html(out, "explain/explain.html", title=title, about=about, **content)


def _of_bytes(
    trained: Trained,
    sample: Sample,
    minutes: float,
    episodes: int,
    seed: int,
    tell: Callable[..., None],
) -> dict[str, Any]:
    config, q_values = trained.config, trained.q_values
    count = sample.windows.shape[-1]
    labels = trained.ram.label

    def measured(q: QFunction, what: str) -> Importance:
        return importance_of_bytes(
            q, sample.windows, seed=seed,
            tell=lambda n: tell(f"{what}: {n} of {count} bytes", done=n == count),
        )  # fmt: skip

    importance = measured(q_values, "permutation")
    fresh = _with_random_weights(trained.model, seed, config.agent.jit_compile)
    at_random = measured(fresh, "permutation, random weights")
    order = importance.order()[:TOP]
    # In addition to the top bytes, the least important byte with any effect: after the third, so
    # that there is time for it.
    least = importance.order()[TOP:][-1:]
    tell(f"scores with frozen bytes: about {minutes:g} minutes", done=False)
    everything, scores = frozen_scores(
        q_values, sample.windows, [*order[:3], *least, *order[3:]], config,
        episodes=episodes, minutes=minutes, seed=seed,
        tell=lambda i, score: tell(f"score with {labels(i)} frozen: {score.mean:.1f}"),
    )  # fmt: skip
    worst = published()["random"].scores.get(config.env.game, 0.0)
    bytes_ = bytes_of(importance, at_random.change, labels, everything, scores, worst)
    paired = pairs(q_values, sample.windows, order[:PAIRED], seed=seed)
    found = decisive(q_values, sample, order, count=STATES, seed=seed)
    window = sample.windows[found[0].number]
    shown = sorted({*order, *scores}, key=lambda i: -importance.change[i])
    return {
        "answers": in_short(bytes_, paired, everything),
        "bytes": bytes_,
        "addresses": getattr(config.obs, "bytes", None) or range(count),
        "top": [bytes_[i] for i in shown],
        "everything": everything,
        "labels": labels,
        "pairs": paired[:10],
        "states": [state(each, sample, labels) for each in found],
        "curves": [
            curve(labels(i), response(q_values, window, i), sample.actions, int(window[-1, i]))
            for i, _ in found[0].inputs[:CURVES]
        ],
    }


def _of_screens(trained: Trained, sample: Sample) -> dict[str, Any]:
    q_values, obs = trained.q_values, trained.config.obs
    assert isinstance(obs, PixelObservation)
    found = decisive(q_values, sample, [], count=STATES, seed=0)
    patch = max(sample.windows.shape[2] // SQUARES, 1)
    shown = []
    for each in found:
        changes = occlusion(q_values, sample.windows[each.number], patch)
        overlay = heated(sample.screens[each.number], changes, obs.crop)
        shown.append(state(each, sample, str, overlay))
    return {"answers": [], "bytes": [], "pairs": [], "curves": [], "states": shown}


def _with_random_weights(model: keras.Model, seed: int, jit_compile: bool | str) -> QFunction:
    """The same network with random trainable weights; adapted statistics are kept."""
    keras.utils.set_random_seed(seed)
    fresh = keras.models.clone_model(model)
    learned = {id(weight) for weight in model.trainable_weights}
    for ours, theirs in zip(fresh.weights, model.weights, strict=True):
        if id(theirs) not in learned:
            ours.assign(np.asarray(theirs))
    return q_function(fresh, uses_xla(fresh, jit_compile))
