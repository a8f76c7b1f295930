"""Certificates made by the program openssl, as an operator makes them."""

NEW_CERTIFICATE = [
    "openssl",
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-subj",
    "/CN=x",
]
"""The beginning of a command that makes a key and a certificate of it; further words say where they go."""
