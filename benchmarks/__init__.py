"""Speed benchmarks: the project against its peers, its parts against the machine's limits."""
