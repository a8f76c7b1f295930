"""The authority's imputation and each person's inbox."""
