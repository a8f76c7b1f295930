"""Recognises incoming scans, photographs and PDFs: gives text, words with boxes, page images and a PDF/A.

All code that handles the bytes of an upload runs in child processes (``ocr.child``) with limits of time and memory: a
hostile file can crash a child, never the worker. A hostile file may also control its child. So the worker decodes no
picture that a child made: it looks at sizes and first bytes (``ocr.wire``), and packs the files into the PDF as they are.
"""
