"""One page about a trained agent: which inputs it reads, and how much each of them matters."""
