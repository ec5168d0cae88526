"""Standard output without a reader, as after ``| head``. Needs only Python."""

from __future__ import annotations

import os
import sys
from typing import Final

ENDED_BY_PIPE: Final = 128 + 13  # exit code, as of programs that SIGPIPE ends


def reader_left() -> bool:
    """Whether nobody reads standard output any more; then further output is discarded."""
    try:
        print(flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False
