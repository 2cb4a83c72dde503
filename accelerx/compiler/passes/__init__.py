"""KIR to KIR transformations and the analyses they share."""
