"""Transmittal slips (bordereaux): handovers of pieces from one unit to another, line by line, signed by both."""
