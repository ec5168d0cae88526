"""ALE's saved states, restored so that the game continues exactly.

ALE 0.12's states omit whether the last video frame was finished (``TIA::myPartialFrameFlag``). A
frame ends unfinished if a game computes for long without drawing (Q*bert and Tetris after a reset,
board games while they think). Restored into an emulator with a different flag, the game diverges,
or ALE writes past its screen buffer, so the flag is matched first. The drawn part of an unfinished
frame is not in the state: only there may the next screen differ.
"""

from __future__ import annotations

import struct
from typing import Final

from ale_py import Action, ALEInterface, ALEState

_CPU: Final = b"M6502Low"  # precedes the CPU part of a state, 32-bit integers:
_PC, _STATUS = 5, 13  # program counter; 1: stopped by the end of a frame, 0: out of instructions
_RAM_ADDRESS: Final = 0x80
_IDLE: Final = (0x4C, _RAM_ADDRESS, 0x00)  # JMP $0080: a program that never ends a frame
_FRAMES_TO_FINISH: Final = 1000  # board games think for fewer frames


def save(ale: ALEInterface) -> bytes:
    """Returns the state of the emulator, including its random generator."""
    return ale.cloneState(include_rng=True).serialize()


def restore(ale: ALEInterface, saved: bytes) -> None:
    """Restores a state returned by ``save``, here or in another process."""
    state = ALEState(saved)
    if not (_is_unfinished(saved) or _is_unfinished(save(ale))):
        ale.restoreState(state)
        return
    ale.reset_game()  # a finished game would not advance
    after_reset = state.getEpisodeFrameNumber() == 0 and _is_unfinished(save(ale))
    if not (after_reset and _is_unfinished(saved)):
        for _ in range(_FRAMES_TO_FINISH):
            if not _is_unfinished(save(ale)):
                break
            ale.act(Action.NOOP)
        if _is_unfinished(saved):
            _leave_frame_unfinished(ale)
    ale.restoreState(state)


def _is_unfinished(saved: bytes) -> bool:
    (status,) = struct.unpack_from("<I", saved, _offset(saved, _STATUS))
    return not status & 1


def _leave_frame_unfinished(ale: ALEInterface) -> None:
    for offset, byte in enumerate(_IDLE):
        ale.setRAM(offset, byte)
    idle = bytearray(save(ale))
    struct.pack_into("<I", idle, _offset(idle, _PC), _RAM_ADDRESS)
    ale.restoreState(ALEState(bytes(idle)))
    ale.act(Action.NOOP)


def _offset(saved: bytes | bytearray, field: int) -> int:
    return saved.index(_CPU) + len(_CPU) + 4 * field
