"""Settings -> services: the only place that connects engines to ports."""
