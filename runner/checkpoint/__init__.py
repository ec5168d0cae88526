"""Everything a run is, on disk: written aside and renamed, checked when read, never code."""
