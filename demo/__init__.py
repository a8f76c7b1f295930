"""The demonstration: a made ministry, made letters, and how a scanner would see them."""
