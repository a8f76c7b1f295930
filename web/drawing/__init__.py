"""Pictures of figures: the places of shapes, lines and texts, in the units of an SVG. Pure; a template draws them."""
