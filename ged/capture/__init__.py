"""Capture of pages: bridges, scan orders, desks, batches and waiting scans."""
