"""Reading a SECRET letter by exception: somebody without the right reads one letter up to a day, by the will of two who have it."""
