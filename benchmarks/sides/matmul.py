"""The machine's peak arithmetic: TensorFlow's matrix product, 2048 x 2048, all cores."""

from __future__ import annotations

from benchmarks.sides.answer import answer
from benchmarks.sides.repeated import seconds_per_call

SIZE = 2048


def measure(seconds: float) -> dict[str, float]:
    from runner import tensorflow_setup

    tensorflow_setup.set_up(0)
    import tensorflow as tf

    multiply = tf.function(tf.matmul)
    rates = {}
    for dtype in ("float32", "bfloat16"):
        a = tf.cast(tf.random.normal((SIZE, SIZE)), dtype)
        spent = seconds_per_call(lambda a=a: multiply(a, a).numpy(), seconds)
        rates[f"{dtype}_gflop_per_s"] = 2 * SIZE**3 / spent / 1e9
    return rates


if __name__ == "__main__":
    answer(measure)
