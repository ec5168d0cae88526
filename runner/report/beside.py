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
        share: Position of the score between the lowest and the highest row, 0 to 1.
        frames: Emulator frames of training.
        rules: Rules of the games.
        note: Differences that limit the comparison with the run.
        own: Whether the score is this project's.
    """

    name: str
    score: float
    human: float | None
    share: float
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
    found = [(score, name, frames, _rules(run), "", True) for name, score, frames in own]
    for agent in published().values():
        if own and run.game in agent.scores:
            score, note = agent.scores[run.game], _note(agent, run, most)
            found.append((score, agent.name, agent.frames, agent.rules, note, False))
    if len(found) == len(own):
        return []
    found.sort(key=lambda each: each[0])
    low, high = found[0][0], found[-1][0]
    return [
        Row(
            name, score, human_normalised(run.game, score), (score - low) / (high - low or 1),
            in_millions(frames), rules, note, is_own,
        )
        for score, name, frames, rules, note, is_own in found
    ]  # fmt: skip


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
