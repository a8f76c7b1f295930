"""Jobs that read pages and files by machine."""
