"""The register: numbers without gaps, letters, sealed envelopes, correspondents, attachments, waiting scans."""
