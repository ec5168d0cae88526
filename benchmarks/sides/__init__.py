"""One measurement per script. Each runs in a separate process and prints one line of JSON."""
