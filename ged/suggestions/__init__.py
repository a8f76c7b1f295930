"""What machines propose to people at the desk: never a fact before a click, never a version of what people edit."""
