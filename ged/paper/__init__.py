"""Codes on paper that a person confirms: the proposal of a scan, who may decide on it, and the consequences."""
