"""Where a right by exception counts on the site: pages that show a letter and change nothing, and that write its opening to the journal."""

ENDPOINTS = frozenset(
    {
        "letters.show", "documents.show", "documents.page_image", "documents.thumbnail", "documents.original",
        "documents.original_page", "documents.searchable", "documents.text", "impute.sheet", "proofs.signatures", "search.index",
        "search.facets",
    }
)  # fmt: skip
"""Everywhere else a letter that is read by exception is not there: not on the form of an act, in a list of work, in an export."""
READING = frozenset({"GET", "HEAD", "OPTIONS"})


def counts(method: str, endpoint: str | None) -> bool:
    """Whether a right by exception counts for a request."""
    return method in READING and endpoint in ENDPOINTS
