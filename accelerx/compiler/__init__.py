"""Text or AST in, text out: front ends, KIR, passes, dialects. Knows no device."""
