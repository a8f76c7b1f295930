"""Monthly reports of an entity: figures under the seal, with the letters that each number counts, proven again years later."""
