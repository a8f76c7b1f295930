"""Settings -> the snapshots of an index in Elasticsearch."""

from ged.config import Settings
from ged.errors import ConfigError
from indexer.elastic_snapshots import Snapshots


def index_snapshots(settings: Settings) -> Snapshots:
    """The snapshots of the index in the repository named in the settings.

    Raises:
        ConfigError: ``config.invalid``: no Elasticsearch, or no repository.
    """
    if not settings.elasticsearch_url:
        raise ConfigError(
            "config.invalid",
            "the embedded index has no snapshots: make it anew by `ged index rebuild`",
            setting="GED_ELASTICSEARCH_URL",
        )
    if not settings.elasticsearch_snapshots:
        raise ConfigError(
            "config.invalid",
            "name a folder of the Elasticsearch nodes, under their `path.repo`",
            setting="GED_ELASTICSEARCH_SNAPSHOTS",
        )
    key = settings.elasticsearch_api_key
    return Snapshots(
        settings.elasticsearch_url,
        alias=settings.elasticsearch_index,
        location=settings.elasticsearch_snapshots,
        api_key=key.get_secret_value() if key else None,
        ca_path=str(settings.elasticsearch_ca) if settings.elasticsearch_ca else None,
        replicas=settings.elasticsearch_replicas,
    )
