"""Asking the figures of the register for pages: whose letters a reader sees counted, how exactly, side by side, and letter by letter."""
