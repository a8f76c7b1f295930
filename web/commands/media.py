"""Where copies lie, as people type it: a folder, or ``s3://bucket/prefix``."""

import click

from ged.backup.places import AnyMedium
from web.commands.shared import settings_of
from web.wiring import backups, settings_file
from web.wiring.stored_files import is_store


class MediumType(click.ParamType[str]):
    """Where copies lie: a folder, or ``s3://bucket/prefix``."""

    name = "medium"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The address as it was typed."""
        if not value.startswith("s3:"):
            return str(click.Path(file_okay=False).convert(value, param, ctx))
        if not is_store(value):
            self.fail("write s3://bucket/prefix", param, ctx)
        return value


MEDIUM = MediumType()


def medium_of(address: str) -> AnyMedium:
    """The medium of an address. A bucket is asked with the access of the settings; on an empty machine, of the variables.

    Raises:
        ConfigError: ``backup.not_set``, and those of the settings.
    """
    is_bucket = address.startswith("s3:")
    return backups.medium_at(settings_of() if is_bucket and settings_file.find().is_file() else None, address)
