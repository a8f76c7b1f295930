"""What helps to decide: what the next two weeks should bring, which units slow down, and by which ways letters go."""
