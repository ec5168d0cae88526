"""keras-rl2's DQNAgent with a compiled update and a loop over parallel environments.

It is a ``rl.agents.dqn.DQNAgent``: same constructor, policies, callbacks, processors and weights
files. A single keras-rl2 environment is trained on with keras-rl2's ``fit`` and ``test``, a
Gymnasium vector environment with the parallel loop of ``runner.agent.loop``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import keras
import numpy as np
from numpy.typing import NDArray

from models.draws import drawing_from
from runner.agent.draws import StatelessDraws, has_noise
from runner.agent.learner import Learner, compiled
from runner.agent.loop import fit_vector
from runner.agent.processing import Processing
from runner.agent.targets import Munchausen
from runner.agent.xla import uses_xla
from runner.diverged import check_finite
from runner.keras_rl2 import DQNAgent, clone_model
from runner.memory.batch import Batch
from runner.memory.replay import ReplayMemory
from runner.policies.many import policy_state, select_actions, set_policy_state
from runner.policies.rules import target_kind, target_parameter
from runner.weights import save_weights

_ACTING = 2**32 - 1  # distinct from the call numbers of an update


class CompiledDQNAgent(DQNAgent):  # type: ignore[misc]
    """DQN agent whose update is one compiled function.

    Takes keras-rl2's arguments and those below. With ``target_model_update=0`` there is no target
    network: targets bootstrap from the online network.

    Args:
        expected_sarsa: Bootstrap from the next state's value under the current ``policy``, which
            must be epsilon-greedy, greedy or softmax; otherwise under the greedy policy.
        munchausen: Use Munchausen targets instead; None: no.
        seed: Seed of noisy layers and sampled quantiles.
        jit_compile: Compile with XLA: True, False, or ``auto`` for the faster of the two.
        target_sync: ``steps``: hard syncs every ``target_model_update`` steps. ``game_end``: at the
            first game end at least that many steps after the last sync.
    """

    def __init__(
        self,
        *args: Any,
        expected_sarsa: bool = False,
        munchausen: Munchausen | None = None,
        seed: int = 0,
        jit_compile: bool | str = "auto",
        target_sync: str = "steps",
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        memory = self.memory
        if isinstance(memory, ReplayMemory) and memory.n_step > 1 and memory.gamma != self.gamma:
            raise ValueError(f"gamma={self.gamma}: expected the memory's, {memory.gamma}")
        self.is_noisy = has_noise(self.model)
        self.expected_sarsa, self.munchausen, self.seed = expected_sarsa, munchausen, seed
        self.target_sync = target_sync
        self.synced_at = 0  # step of the last sync, or of the next; ``game_end`` only
        self.stop_training = False  # set to end training
        self.jit_compile = uses_xla(self.model, jit_compile)

    def compile(self, optimizer: Any, metrics: Sequence[Any] = ()) -> None:
        """Builds the target network and the learner.

        Args:
            optimizer: A Keras optimizer, its name or its config.
            metrics: Not supported: the compiled update reports loss and mean_q.

        Raises:
            ValueError: ``metrics`` are given, or expected SARSA cannot follow the policy.
        """
        if metrics:
            raise ValueError("metrics: expected none; the compiled update has loss and mean_q")
        rate = self.target_model_update
        self.target_model = self.model if rate == 0 else clone_model(self.model)
        self.optimizer = keras.optimizers.get(optimizer)
        self.learner = Learner(
            self.model,
            self.target_model,
            self.optimizer,
            gamma=self.gamma,
            double=self.enable_double_dqn,
            delta_clip=self.delta_clip,
            soft_update=rate if rate < 1 else 0.0,
            jit_compile=self.jit_compile,
            policy=target_kind(self.policy) if self.expected_sarsa else "greedy",
            munchausen=self.munchausen,
            seed=self.seed,
        )
        averages = getattr(self.optimizer, "use_ema", False)
        self.played_model = clone_model(self.model) if averages else self.model
        self.processing = Processing(self.processor)
        self.batch_q_values = q_function(self.model, self.jit_compile, self.seed)
        self.compiled_metrics_names = ["loss", "mean_q"]
        self.compiled = True

    def compute_batch_q_values(self, state_batch: Any) -> NDArray[np.float32]:
        """As keras-rl2's, for lists of windows."""
        return self._acting_q_values(self._as_model_input(state_batch), self.step)

    def act(
        self, windows: NDArray[np.uint8], streams: NDArray[np.int64], first_step: int
    ) -> tuple[NDArray[np.int32], list[list[float]]]:
        """Chooses an action in each of ``n`` environments, at consecutive steps.

        Args:
            windows: (n, window, *observation).
            streams: (n,) numbers of the environments.
            first_step: Step of the first environment.

        Returns:
            Actions (n,), and the policy's metrics for each.
        """
        states = np.asarray(self.processing.states(windows), self.model.input.dtype)
        q_values = self._acting_q_values(states, first_step)
        steps = range(first_step, first_step + len(streams))
        return select_actions(self.policy, q_values, streams, steps)

    def _acting_q_values(self, states: Any, step: int) -> NDArray[np.float32]:
        """Q-values (B, nb_actions) to act on; in training, with the noise of noisy layers."""
        noise_of = [np.array(step, np.int32)] if self.is_noisy and self.training else []
        q_values = self.batch_q_values(states, *noise_of)
        check_finite(q_values, "its Q-values are")
        return q_values

    def learn(
        self, first_step: int, policy_metrics: Sequence[Sequence[float]]
    ) -> list[list[float]]:
        """Makes the updates and hard target syncs due at ``n`` steps, under the current policy.

        The errors become the priorities of a prioritised memory.

        Args:
            first_step: The first of ``n`` consecutive steps.
            policy_metrics: (n, ...) metrics of the policy at each step.

        Returns:
            (n, ...): ``metrics_names`` of each step; NaN where no update was due.
        """
        due: list[int] = []
        syncs = np.zeros(len(policy_metrics) + 1, np.bool_)  # before the first update, after each
        for i in range(len(policy_metrics)):
            if self.is_update_due(first_step + i):
                due.append(i)
            syncs[len(due)] |= self.is_sync_due(first_step + i)
        metrics = [[float("nan")] * len(self.metrics_names)] * len(policy_metrics)
        if not due:
            if syncs[0]:
                self.learner.sync()
            return metrics
        batches = self._sampled(len(due))
        policy = [target_parameter(self.policy)] if self.expected_sarsa else []
        updates = self.learner.update(batches, syncs[: len(due) + 1], *policy)
        check_finite(updates.losses, "its loss is")
        if updates.errors is not None:
            self.memory.update_priorities(batches.indices, updates.errors)
        for i, loss, q in zip(due, updates.losses.tolist(), updates.mean_q.tolist(), strict=True):
            metrics[i] = [loss, q, *policy_metrics[i], *self.processing.metrics]
        return metrics

    def _as_model_input(self, states: Any) -> Any:
        """An array of the network's input dtype: keras-rl2 pads windows with float zeros."""
        return np.asarray(self.process_state_batch(states), self.model.input.dtype)

    def fit(self, env: Any, nb_steps: int, *args: Any, **kwargs: Any) -> Any:
        """Trains for ``nb_steps`` on a single environment, as keras-rl2, or a vector environment.

        The arguments are keras-rl2's or ``fit_vector``'s, the returned History is keras-rl2's.
        """
        self.synced_at = 0
        if isinstance(env, gymnasium.vector.VectorEnv):
            return fit_vector(self, env, nb_steps, *args, **kwargs)
        return super().fit(env, nb_steps, *args, **kwargs)

    def is_update_due(self, step: int) -> bool:
        """Whether an update is due at ``step`` (keras-rl2's rule)."""
        return bool(step > self.nb_steps_warmup and step % self.train_interval == 0)

    def is_sync_due(self, step: int) -> bool:
        """Whether a hard target sync is due at ``step`` (``steps``: keras-rl2's rule)."""
        if self.target_sync == "game_end":
            return step == self.synced_at
        return bool(self.target_model_update >= 1 and step % self.target_model_update == 0)

    def game_ended(self, next_step: int) -> None:
        """Records a game end; ``next_step`` is the first step that may sync because of it."""
        if next_step - self.synced_at >= self.target_model_update:
            self.synced_at = next_step

    def backward(self, reward: float, terminal: bool) -> list[float]:
        """Stores the outcome of the last action, and makes the update that is due, if any."""
        if self.step % self.memory_interval == 0:
            self.memory.append(
                self.recent_observation, self.recent_action, reward, terminal, self.training
            )
        if not self.training:
            return [float("nan")] * len(self.metrics_names)
        if terminal:
            self.game_ended(self.step)
        return self.learn(self.step, [self.policy.metrics])[0]

    def _sampled(self, nb_batches: int) -> Batch:
        """Batches from any keras-rl2 memory, with leading axes (nb_batches, B)."""
        size = self.batch_size
        if isinstance(self.memory, ReplayMemory):
            batches = self.memory.sample_batches(nb_batches, size)
            windows = self.processing.windows(batches.windows)
            return batches._replace(windows=np.asarray(windows, self.model.input.dtype))
        drawn = self.memory.sample(nb_batches * size)
        state0 = self._as_model_input([e.state0 for e in drawn])
        state1 = self._as_model_input([e.state1 for e in drawn])
        return Batch(
            np.concatenate([state0, state1[:, -1:]], axis=1),
            np.array([e.action for e in drawn], np.int32),
            np.array([e.reward for e in drawn], np.float32),
            np.array([e.terminal1 for e in drawn], np.bool_),
        ).reshape(nb_batches, size)

    def update_played_model(self) -> keras.Model:
        """The network to evaluate and save: the online network, or its averaged weights.

        If the optimizer keeps moving averages of the weights (Polyak and Juditsky 1992,
        https://doi.org/10.1137/0330046), these are written into ``played_model``.
        """
        if self.played_model is not self.model:
            self.played_model.set_weights(self.model.get_weights())
            if int(self.optimizer.iterations) > 0:  # before the first update there is no mean
                averages = self.optimizer._model_variables_moving_average
                weights = self.played_model.trainable_variables
                for weight, mean in zip(weights, averages, strict=True):
                    weight.assign(mean)
        return self.played_model

    def get_state(self) -> dict[str, Any]:
        """Returns the state needed to resume training, as plain types and arrays.

        Networks include the generators of layers such as Dropout. The memory is not included.
        """
        return {
            "step": self.step,
            "synced_at": self.synced_at,
            "networks": [list(map(np.asarray, network.variables)) for network in self._networks],
            "optimizer": list(map(np.asarray, self.optimizer.variables)),
            "policy": policy_state(self.policy),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores the state returned by ``get_state``.

        Raises:
            ValueError: The state belongs to other networks or another optimizer.
        """
        self.step, self.synced_at = state["step"], state["synced_at"]
        owners = [*self._networks, self.optimizer]
        for owner, values in zip(owners, [*state["networks"], state["optimizer"]], strict=True):
            for variable, value in zip(owner.variables, values, strict=True):
                variable.assign(value)
        set_policy_state(self.policy, state["policy"])

    @property
    def _networks(self) -> list[keras.Model]:
        """The online network and, if there is one, the target network."""
        networks = [self.model, self.target_model]
        return networks if self.learner.has_target_network else networks[:1]

    def save_weights(self, filepath: str, overwrite: bool = False) -> None:
        """Saves the weights of ``played_model`` (see ``runner.weights.save_weights``)."""
        save_weights(self.update_played_model(), Path(filepath), overwrite=overwrite)


def q_function(
    model: keras.Model, jit_compile: bool, seed: int = 0
) -> Callable[..., NDArray[np.float32]]:
    """Returns (B, window, *observation) uint8 -> (B, nb_actions) float32 as one compiled call.

    With a second argument, the step () int32, noisy layers add noise: separate for every row, a
    function of seed and step.
    """

    def call(states: Any, *step: Any) -> Any:
        draws = StatelessDraws((seed, _ACTING), *step, per_row=True) if step else None
        with drawing_from(draws):
            return model(states, training=False)

    return compiled(call, jit_compile)
