"""The pages of figures: what the address asks for, the panels, their tables and files, the letters behind a figure."""
