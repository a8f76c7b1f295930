"""Codes on paper that a person confirms: what a scan proposes, who may dispose of it, what follows."""
