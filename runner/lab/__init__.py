"""An agent plays live in the browser; every byte can be seen, changed and frozen."""
