"""The signature book: drafts from templates, circuit of visas, signature (digital or in ink)."""
