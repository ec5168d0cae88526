"""The RAM atlas: the meaning of each byte, inferred from play and interventions."""
