"""What comes in as pages: bridges, scan orders, desks, batches and waiting scans."""
