"""The calls that the tests of TWAIN look for in the log, as (data argument type, message)."""

OPEN, CLOSE = [3, 1025], [3, 1026]
ENABLE, DISABLE = [9, 1282], [9, 1281]
TRANSFER = [260, 1]
RESET = [5, 7]
CLOSE_MANAGER = [4, 770]
