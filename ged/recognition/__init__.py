"""What machines read of pages and files, as jobs."""
