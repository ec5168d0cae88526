"""TensorBoard event files, written without TensorBoard.

``tf.summary.scalar`` and related functions need the package ``tensorboard``, which TensorFlow no
longer installs. Event files are TFRecord files of ``Event`` messages, both part of TensorFlow.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

PATTERN: Final = "events.out.tfevents.*"
MOST_BUCKETS: Final = 30  # as many as TensorBoard shows
_GIF_SIZE: Final = slice(6, 10)  # bytes of a GIF: width and height, little-endian


class TensorBoard:
    """Writes event files, a new one for every process.

    Args:
        folder: Output folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._resumed_at: int | None = None

    def scalars(self, step: int, figures: Mapping[str, float]) -> None:
        """Writes numbers."""
        value = tf.compat.v1.Summary.Value
        self._write(step, [value(tag=n, simple_value=float(v)) for n, v in figures.items()])

    def histogram(self, step: int, name: str, values: NDArray[Any]) -> None:
        """Writes a histogram of ``values`` (n,), with one bucket per value if there are few."""
        values = np.asarray(values, np.float64)
        distinct, counts = np.unique(values, return_counts=True)
        limits = np.append((distinct[1:] + distinct[:-1]) / 2, distinct[-1])
        if len(distinct) > MOST_BUCKETS:
            counts, edges = np.histogram(values, MOST_BUCKETS)
            limits = edges[1:]
        message = tf.compat.v1.HistogramProto(
            min=values.min(),
            max=values.max(),
            num=len(values),
            sum=values.sum(),
            sum_squares=np.square(values).sum(),
            bucket_limit=limits.tolist(),
            bucket=counts.tolist(),
        )
        self._write(step, [tf.compat.v1.Summary.Value(tag=name, histo=message)])

    def video(self, step: int, name: str, path: Path) -> None:
        """Writes the animated GIF at ``path``, which TensorBoard shows as an image."""
        content = path.read_bytes()
        width, height = np.frombuffer(content[_GIF_SIZE], "<u2").tolist()
        image = tf.compat.v1.Summary.Image(
            width=width, height=height, colorspace=3, encoded_image_string=content
        )
        self._write(step, [tf.compat.v1.Summary.Value(tag=name, image=image)])
        self.flush()

    def flush(self) -> None:
        """Makes all written data visible to readers of the file."""
        if "_writer" in vars(self):
            self._writer.flush()

    def close(self) -> None:
        """Closes the file; a later write starts a new one."""
        if "_writer" in vars(self):
            self._writer.close()
            del self._writer

    def get_state(self) -> dict[str, Any]:
        """Returns the length of each file."""
        self.flush()
        return {"bytes": {p.name: p.stat().st_size for p in self._folder.glob(PATTERN)}}

    def set_state(self, state: dict[str, Any], step: int) -> None:
        """Restores the files to their state at ``step``, by truncation."""
        self._resumed_at = step
        for path in self._folder.glob(PATTERN):
            size = state["bytes"].get(path.name)
            if size is None:
                path.unlink()
            elif path.stat().st_size > size:
                os.truncate(path, size)

    def _write(self, step: int, values: list[Any]) -> None:
        self._record(step=step, summary=tf.compat.v1.Summary(value=values))

    def _record(self, **content: Any) -> None:
        event = tf.compat.v1.Event(wall_time=time.time(), **content)
        self._writer.write(event.SerializeToString())

    @cached_property
    def _writer(self) -> Any:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / PATTERN.replace("*", str(time.time_ns()))  # read in order of name
        writer = vars(self)["_writer"] = tf.io.TFRecordWriter(str(path))
        self._record(file_version="brain.Event:2")
        if self._resumed_at is not None:
            # Makes a running TensorBoard discard the truncated data that it has read.
            start = tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START)
            self._record(step=self._resumed_at + 1, session_log=start)
        return writer
