"""The lab: an agent plays live in the browser; bytes can be inspected, edited and frozen."""
