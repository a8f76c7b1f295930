"""Writing beside the saved versions of a draft: what is typed and not saved yet, and versions compared."""
