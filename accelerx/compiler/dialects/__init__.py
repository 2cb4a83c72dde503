"""Kernel languages: how KIR is spelled for a device, and which passes it needs."""
