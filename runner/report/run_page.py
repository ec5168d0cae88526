"""The page of one run: learning curve, comparison with published scores, next commands."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from pathlib import Path

from runner.durations import duration
from runner.errors import UserError, reason
from runner.report import beside, findings, pages
from runner.report.charts import Chart, curve_chart
from runner.report.curves import AXES, evaluation_curve, training_curve
from runner.report.figures import figures, frames, points, seconds
from runner.report.runs import Run, read_run, shown
from runner.report.sides import MISSING, Side, find_sides
from runner.report.videos import best_video
from runner.run_directory import RunDirectory
from runner.scores import human_normalised, published


def write_page(run_directory: Path) -> Path:
    """Writes the page of a run into its folder.

    Args:
        run_directory: The run's folder.

    Returns:
        The path of ``report.html``.

    Raises:
        UserError: The run's settings cannot be read.
    """
    run = read_run(run_directory)
    if not run.settings:
        raise UserError(f"run={run_directory}: {run.problem}")
    return write_run_page(run, run_directory)


def announce_page(run_directory: Path) -> None:
    """Writes the page of a run and prints its path; an error is only a warning."""
    try:
        print(f"page: {write_page(run_directory)}", flush=True)
    except Exception as error:
        print(f"warning: no page of the run: {reason(error)}", file=sys.stderr, flush=True)


def write_run_page(run: Run, out: Path, score: float | None = None) -> Path:
    """Writes the page of ``run`` into ``out``; returns its path."""
    side = dataclasses.replace(find_sides([run])[0], name="this run")
    names = ["training games: mean of the last 100"]
    if run.evaluations.shape[1] > 1:
        names.append("intermediate evaluations")
    lines = [dataclasses.replace(side, name=each, place=i) for i, each in enumerate(names)]
    compared = beside.rows(run, [("this run", run.score, frames(run))] if run.finished else [])
    commands = _commands(run)
    return pages.write_html(
        out / "report.html",
        "run.html",
        title=f"{run.game}, {shown(run.settings.get('obs.name'))}: "
        + (f"{points(run.score)} points" if run.finished else "not finished"),
        about=_about(run),
        run=run,
        answers=_answers(run),
        warnings=findings.warnings([side], [run]) if not run.finished else [],
        lines=lines,
        charts=_charts(run, lines, out),
        video=best_video([run], out),
        overlay=run.settings.get("video.overlay"),
        watch=commands["Watch it play"],
        rows=compared,
        published=[agent for agent in published().values() if run.game in agent.scores],
        commands=commands,
        settings=_differing(run),
        sides=[side],
        figures=figures([side], score),
    )


def _charts(run: Run, lines: list[Side], out: Path) -> list[Chart]:
    charts = []
    for axis in ("steps", "time"):
        made = training_curve([run], axis), evaluation_curve([run], axis)
        named = zip(lines, made, strict=False)
        if curves := [(line, curve) for line, curve in named if curve is not None]:
            png = out / f"learning_curve_{axis}.png"
            title = f"{run.game}: points against {axis}"
            charts.append(curve_chart(title, curves, AXES[axis], png, beside.reference_lines(run)))
    return charts


def _about(run: Run) -> str:
    parts = [f"seed {run.seed}", f"{run.step:,} steps"]
    if (trained := seconds(run)) is not None:
        parts[-1] += f" in {duration(trained)}"
    return ", ".join([*parts, run.state])


def _answers(run: Run) -> list[str]:
    if not run.finished:
        return []
    result = run.result
    text = f"Mean score {points(run.score)}"
    same = result.get("evaluation.min", 0.0) == result.get("evaluation.max", 1.0)
    if run.score_interval is not None and not same:
        text += " (95\u00a0%: {} to {})".format(*map(points, run.score_interval))
    if "evaluation.episodes" in result:
        text += f" over {result['evaluation.episodes']:,.0f} games after training"
    if {"evaluation.min", "evaluation.max", "evaluation.std"} <= result.keys():
        low, high = result["evaluation.min"], result["evaluation.max"]
        spread = f"from {low:,g} to {high:,g}, standard deviation {result['evaluation.std']:,.1f}"
        text += ", all of them identical" if same else f": {spread}"
    human = human_normalised(run.game, run.score)
    if human is None:
        said = f"{run.game} has no published scores of random play and humans."
    else:
        said = f"Human-normalised {human:.3f}: 0 is random play, 1 is human."
    found = [f"Places found in the RAM: {', '.join(run.places)}."] if run.places else []
    return [f"{text}.", said, *found]


def _commands(run: Run) -> dict[str, str]:
    """Next actions -> commands, quoted for a shell."""
    folder, found = str(run.folder), {}
    resume = ["runner", f"resume={folder}"]
    if RunDirectory(run.folder).is_resumable:
        if run.finished:
            found["Train it longer"] = [*resume, *_twice_as_long(run)]
        else:
            found["Resume it where it stopped"] = resume
    found |= {
        "Evaluate it in more games": ["runner.evaluate", f"run={folder}", "episodes=100"],
        "Watch it play": ["runner.watch", f"run={folder}"],
        "See which inputs it acts on": ["runner.explain", f"run={folder}"],
        "Play with it in the browser": ["runner.lab", f"run={folder}"],
        "Compare it with another run": ["runner.compare", folder, "OTHER"],
    }
    return {what: f"python -m {shlex.join(typed)}" for what, typed in found.items()}


def _twice_as_long(run: Run) -> list[str]:
    """Doubles every limit of the training: the first one reached ends it."""
    others = {name: run.settings.get(name) for name in ("train.episodes", "train.minutes")}
    limits = {"train.steps": run.step, **others}.items()
    return [f"{name}={shown(2 * of)}" for name, of in limits if isinstance(of, int | float)]


def _differing(run: Run) -> list[tuple[str, str, str]] | None:
    """Settings, this run's values and the defaults; None if the defaults cannot be composed."""
    from runner.settings import compose
    from runner.settings.convert import flat

    try:
        obs = shown(run.settings.get("obs.name"))
        config = compose.load([f"env={run.game}", f"obs={obs}"])
        default = flat(dataclasses.asdict(config))
    except Exception:  # an observation of another version, a broken installation
        return None
    pairs = {
        key: (shown(run.settings.get(key, MISSING)), shown(default.get(key, MISSING)))
        for key in {**default, **run.settings}
    }
    return [(key, own, usual) for key, (own, usual) in pairs.items() if own != usual]
