"""Source languages: each module lifts one of them to KIR."""
