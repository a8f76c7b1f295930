"""The registers' daily and yearly closing: listed, sealed, chained to the previous one. A closed day gets no number."""
