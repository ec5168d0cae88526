"""Short trainings on toy games, with the logs of every step."""

from __future__ import annotations

from typing import Any

from toys import Arcade, Tape, compiled_agent

from runner.keras_rl2 import Callback

NEVER = 10**9


class Steps(Callback):
    """Keeps the logs of every step and episode."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[dict[str, Any]] = []
        self.counts: list[int] = []
        self.begun: list[int] = []
        self.ended: list[tuple[int, dict[str, Any]]] = []
        self.events: list[tuple[str, int]] = []

    def on_episode_begin(self, episode: int, logs: Any = None) -> None:
        self.begun.append(episode)
        self.events.append(("begin", episode))

    def on_episode_end(self, episode: int, logs: Any = None) -> None:
        self.ended.append((episode, logs))
        self.events.append(("end", episode))

    def on_step_end(self, step: int, logs: Any = None) -> None:
        self.steps.append(logs)
        self.counts.append(step)
        self.events.append(("step", logs["episode"]))


def tapes(*ends: dict[int, str]) -> Arcade:
    return Arcade([Tape(end) for end in ends])


def agent_of(env: Arcade, **settings: Any) -> Any:
    return compiled_agent(Tape, streams=env.num_envs, **settings)


def trained(env: Arcade, nb_steps: int, **settings: Any) -> tuple[Any, Steps]:
    agent, steps = agent_of(env, **settings), Steps()
    agent.fit(env, nb_steps, callbacks=[steps], verbose=0)
    return agent, steps
