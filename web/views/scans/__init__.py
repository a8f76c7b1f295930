"""What comes in as pages: waiting scans and separator sheets."""
