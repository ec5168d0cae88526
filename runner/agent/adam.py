"""Keras's Adam through TensorFlow's fused kernel: one pass over each weight instead of ten.

Source: Kingma and Ba 2015, https://arxiv.org/abs/1412.6980, in the form at the end of section 2.
Moments and step count are stored in the Keras optimizer, which can be saved and used as usual.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import keras
import tensorflow as tf

_NOT_IN_KERNEL: Final = (
    "amsgrad", "weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema",
    "loss_scale_factor", "gradient_accumulation_steps",
)  # fmt: skip


def is_plain_adam(optimizer: keras.optimizers.Optimizer) -> bool:
    """True if the kernel computes exactly what ``optimizer`` would."""
    is_adam = type(optimizer) is keras.optimizers.Adam
    return is_adam and not any(getattr(optimizer, name) for name in _NOT_IN_KERNEL)


def apply_adam(
    optimizer: keras.optimizers.Adam, gradients: Sequence[Any], weights: Sequence[tf.Variable]
) -> None:
    """Applies ``gradients`` to ``weights``, the optimizer's trainable variables in their order."""
    step = tf.cast(optimizer.iterations.value + 1, tf.float32)
    for weight, gradient, m, v in zip(
        weights, gradients, optimizer._momentums, optimizer._velocities, strict=True
    ):
        tf.raw_ops.ResourceApplyAdam(
            var=weight.handle,
            m=m.value.handle,
            v=v.value.handle,
            beta1_power=tf.pow(tf.constant(optimizer.beta_1, tf.float32), step),
            beta2_power=tf.pow(tf.constant(optimizer.beta_2, tf.float32), step),
            lr=tf.cast(optimizer.learning_rate, tf.float32),
            beta1=tf.constant(optimizer.beta_1, tf.float32),
            beta2=tf.constant(optimizer.beta_2, tf.float32),
            epsilon=tf.constant(optimizer.epsilon, tf.float32),
            grad=gradient,
        )
    optimizer.iterations.assign_add(1)
