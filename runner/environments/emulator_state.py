"""ALE's saved states, restored so that the game continues exactly.

ALE 0.12 leaves out whether the last video frame was finished (``TIA::myPartialFrameFlag``): a frame
ends unfinished where a game computes for long without the screen (Q*bert and Tetris after a reset,
the board games while they think). Restored into an emulator where it is otherwise, the game takes
another course, or ALE writes behind its screen buffer. So the emulator is brought there first. What
it drew of an unfinished frame is not in the state: only there may the next screen differ.
"""

from __future__ import annotations

import struct
from typing import Final

from ale_py import Action, ALEInterface, ALEState

_CPU: Final = b"M6502Low"  # precedes the processor's part of a state, 32-bit integers:
_PC, _STATUS = 5, 13  # program counter; 1: stopped by the end of a frame, 0: out of instructions
_RAM_ADDRESS: Final = 0x80
_IDLE: Final = (0x4C, _RAM_ADDRESS, 0x00)  # JMP $0080: a program that never ends a frame
_FRAMES_TO_FINISH: Final = 1000  # a board game thinks for less


def save(ale: ALEInterface) -> bytes:
    """Returns the state of the emulator, its random numbers included."""
    return ale.cloneState(include_rng=True).serialize()


def restore(ale: ALEInterface, saved: bytes) -> None:
    """Brings the emulator to a state that ``save`` returned, here or in another process."""
    state = ALEState(saved)
    if not (_is_unfinished(saved) or _is_unfinished(save(ale))):
        ale.restoreState(state)
        return
    ale.reset_game()  # a finished game would stand still
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
