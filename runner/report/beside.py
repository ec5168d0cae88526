"""Published scores, as reference lines of charts and rows of tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runner.report.runs import Run
from runner.report.sides import protocol
from runner.scores import Published, human_normalised, published


@dataclass(frozen=True)
class Row:
    """A score with its conditions.

    Attributes:
        name: Name of the side or agent.
        score: Points.
        human: Human-normalised score, None if unknown.
        frames: Emulator frames of training.
        rules: Rules of the games.
        note: Differences that limit the comparison with the run.
        own: Whether the score is this project's.
    """

    name: str
    score: float
    human: float | None
    frames: str
    rules: str
    note: str
    own: bool


def reference_lines(run: Run) -> dict[str, float]:
    """Names and points for charts of ``run``'s game: agents with the same sticky rule."""
    return {
        agent.name + (f", {in_millions(agent.frames)} frames" if agent.frames else ""): score
        for agent in published().values()
        if (score := agent.scores.get(run.game)) is not None
        and (agent.frames is None or agent.sticky == _sticky(run))
    }


def rows(run: Run, own: Sequence[tuple[str, float, float | None]]) -> list[Row]:
    """The project's own results and published scores of a game, from low to high.

    Args:
        run: Defines the game and the rules that published scores are compared with.
        own: Name, points and frames of each result; empty: no rows.
    """
    most = max((frames or 0 for _, _, frames in own), default=0)
    ours = [(name, score, frames, _rules(run), "", True) for name, score, frames in own]
    theirs = [
        (agent.name, score, agent.frames, agent.rules, _note(agent, run, most), False)
        for agent in published().values()
        if (score := agent.scores.get(run.game)) is not None
    ]
    found = [
        Row(name, score, human_normalised(run.game, score), in_millions(frames), rules, note, mine)
        for name, score, frames, rules, note, mine in [*ours, *theirs]
    ]
    return sorted(found, key=lambda row: row.score) if ours and theirs else []


def in_millions(frames: float | None) -> str:
    """Emulator frames as text."""
    if not frames:
        return "-"
    millions = frames / 1e6
    digits = 0 if millions >= 10 else 1 if millions >= 1 else 2
    return f"{millions:,.{digits}f} M"


def _sticky(run: Run) -> bool:
    return run.settings.get("env.repeat_action_probability") not in (0, None)


def _rules(run: Run) -> str:
    rules = protocol(run)
    return (
        f"sticky actions {rules['env.repeat_action_probability']}, up to {rules['env.noop_max']} "
        f"no-ops, epsilon {rules['eval.epsilon']}"
    )


def _note(agent: Published, run: Run, frames: float) -> str:
    """Differences between a published score and the run; compares frames, never steps."""
    notes = []
    if agent.frames and agent.sticky != _sticky(run):
        notes.append("sticky actions" if agent.sticky else "no sticky actions")
    if agent.frames and frames and not 2 / 3 <= (ratio := agent.frames / frames) <= 1.5:
        notes.append(
            f"{ratio:,.0f} times the frames" if ratio > 1 else f"{100 * ratio:.2g}% of the frames"
        )
    return ", ".join(notes)
