"""How letters leave, and the proof that each arrived."""
