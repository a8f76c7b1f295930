"""The scanners of TWAIN (Windows): process and protocol as for SANE, with another child."""

from scanner_bridge.device import DriverScanner


class TwainScanner(DriverScanner):
    """Every TWAIN source of this computer; its options are capabilities by name, such as ``ICAP_BRIGHTNESS``."""

    child_module = "scanner_bridge.twain_child"
