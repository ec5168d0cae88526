"""The RAM atlas: the meaning of each byte, inferred from play and interventions."""

from typing import Final

USAGE: Final = (
    "python -m runner.atlas env=GAME[,GAME...]|all [out=atlas] [ram_map=atlas/ram_map] "
    "[table=FILE.md] [steps=6000] [seed=0]"
)
