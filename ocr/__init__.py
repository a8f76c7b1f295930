"""Recognises incoming scans, photographs and PDFs: gives text, words with boxes, page images and a PDF/A.

All code that handles the bytes of an upload runs in child processes (``ocr.child``) with limits of time and memory: a
hostile file can crash a child, never the worker.
"""
