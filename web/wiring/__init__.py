"""Settings -> services: the only place that plugs engines into sockets."""
