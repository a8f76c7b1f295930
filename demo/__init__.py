"""The demonstration: an invented ministry, generated letters, and the images that a scanner would make of them."""
