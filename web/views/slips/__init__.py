"""Transmittal slips: pages, forms, slips read by their codes."""
