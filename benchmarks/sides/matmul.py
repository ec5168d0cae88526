"""The machine's peak arithmetic: TensorFlow's matrix product, 2048 x 2048, all cores."""

from __future__ import annotations

import functools

from benchmarks.sides.answer import answer
from benchmarks.sides.repeated import seconds_per_call

SIZE = 2048


def measure(seconds: float) -> dict[str, float]:
    from runner import tensorflow_setup

    tensorflow_setup.set_up(0)
    import tensorflow as tf

    square = tf.function(lambda a: tf.matmul(a, a))
    rates = {}
    for dtype in ("float32", "bfloat16"):
        a = tf.cast(tf.random.normal((SIZE, SIZE)), dtype)
        spent = seconds_per_call(functools.partial(square, a), seconds)
        rates[f"{dtype}_gflop_per_s"] = 2 * SIZE**3 / spent / 1e9
    return rates


if __name__ == "__main__":
    answer(measure)
