"""The directory of correspondents as people keep it: entries, the letters exchanged, doubles that are merged."""
