"""Reports: the page of a run, comparisons of runs, leagues."""
