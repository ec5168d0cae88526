"""The pages of a league, HTML and Markdown: one agent in many games, one row per game."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from runner.report import findings, pages
from runner.report.charts import profile_chart
from runner.report.figures import ALL_GAMES, Figures, points
from runner.report.runs import Run, shown
from runner.report.sides import Side, games_of
from runner.report.videos import best_video, link
from runner.scores import human_normalised, published

FEWEST_GAMES: Final = 5  # with fewer games, the comparison page is written
BESIDE: Final = ("dqn_nature", "rainbow", "bbf_100k")  # published agents in the profile


def write_league(side: Side, runs: Sequence[Run], figures: Figures, out: Path) -> Path:
    """Writes the page of a league, and its table as ``league.md``.

    Args:
        side: The agent, with its runs of many games.
        runs: All runs, including those with unreadable settings.
        figures: Figures of the side.
        out: Folder of the page.

    Returns:
        The path of ``report.html``.
    """
    games = games_of([side])
    rows = [(game, ended) for game in games if (ended := side.finished(game))]
    human = {
        game: human_normalised(game, figures[game, side.name, "mean"].value) for game, _ in rows
    }
    normalised = {game: score for game, score in human.items() if score is not None}
    shares = {"this agent": list(normalised.values())}
    for agent in (published()[name] for name in BESIDE):
        common = [game for game in normalised if game in agent.scores]
        scores = [human_normalised(game, agent.scores[game]) for game in common]
        shares[agent.name] = [score for score in scores if score is not None]
    shares = {name: scores for name, scores in shares.items() if scores}
    title = "Performance profile, human-normalised"
    content: dict[str, Any] = {
        "title": f"League: {len(games)} games, {shown(side.runs[0].settings.get('obs.name'))}",
        "about": f"{len(runs)} runs, {sum(run.finished for run in runs)} of them finished; "
        f"agent={shown(side.runs[0].settings.get('agent.name'))}.",
        "key": _key(side, normalised, figures, len(rows)),
        "warnings": findings.warnings([side], runs),
        "rows": rows,
        "side": side,
        "figures": figures,
        "human": human,
        "points": points,
        "link": lambda path: link(path, out) if path.is_file() else None,
        "videos": {
            game: video for game, played in rows if (video := best_video(played, out, embedded=0))
        },
        "missing": [run for run in runs if not run.finished],
        "profile": profile_chart(title, shares, out / "profile.png") if normalised else None,
        "lines": [Side(name, i, {}, []) for i, name in enumerate(shares)],
        "published": {name: published()[name] for name in ("random", "human", "dqn_nature")},
    }
    pages.write_html(out / "league.md", "league.md", **content)
    return pages.write_html(out / "report.html", "league.html", **content)


def _key(side: Side, human: dict[str, float], figures: Figures, played: int) -> dict[str, str]:
    """The headline figures of a league."""
    found = {"games with a score": str(played)}
    if human:
        at_least = sum(score >= 1 for score in human.values())
        found["at or above human"] = f"{at_least} of {len(human)}"
        for name in ("median", "mean", "IQM"):
            figure = figures.get((ALL_GAMES, side.name, f"human_{name.lower()}"))
            if figure is not None:
                found[f"{name}, human-normalised"] = f"{figure.value:.1%}"
    return found
