"""Transmittal slips (bordereaux): what is handed from one unit to another, signed at both ends, line by line."""
