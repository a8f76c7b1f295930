"""Transmittal slips: pages, forms, reading slips by their codes."""
