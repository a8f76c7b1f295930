"""Pages of capture: waiting scans and separator sheets."""
