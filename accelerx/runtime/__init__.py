"""Devices, memory and launches; knows no syntax."""
