"""What each byte of a game's RAM means, found by play and by changing bytes."""

from typing import Final

USAGE: Final = (
    "python -m runner.atlas env=GAME[,GAME...]|all [out=atlas] [ram_map=atlas/ram_map] "
    "[table=FILE.md] [steps=6000] [seed=0]"
)
