"""Letters written in Word: their merge fields, what hostile files may hold, and their pages as PDF/A.

Everything but ``engine`` runs inside ``ocr.child``. A Word file (ISO/IEC 29500) is an archive of XML parts; the parts keep
their namespaces and all that is not ours, so that Word opens what it wrote itself.
"""
