"""Routing: the authority's decision, assignments further down, deadlines in working days."""
