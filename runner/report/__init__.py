"""The report that compares runs: what is read, counted, drawn and written."""
