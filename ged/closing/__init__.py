"""The registers' daily and yearly closing: listed, sealed, chained to the one before; nothing is numbered behind it."""
