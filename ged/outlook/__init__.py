"""What helps to decide: what the next two weeks should bring, and which units slow down, by which ways letters go."""
