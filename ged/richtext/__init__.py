"""Text with a few forms (bold, lists, tables ...): one document, stored as JSON, written with light marks without JavaScript.

``document`` is the allow-list: whatever comes in is read into its classes, or refused. No HTML is ever read.
"""
