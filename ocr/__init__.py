"""Reads what comes in: scans, photographs and PDFs become text, words with places, page images and a PDF/A.

Everything that touches the bytes of an upload runs in child processes (``ocr.child``) with limits of time and
memory: a hostile file can end a child, never the worker.
"""
