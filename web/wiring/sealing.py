"""Settings -> the key of the institution's seal, whoever issued its certificate."""

from collections.abc import Callable

from ged.config import Settings
from ged.errors import ConfigError
from signing.rawkeys import RawKey
from signing.remote import RemoteKey
from signing.sealing import chain_of, own_seal, seal_in_file
from signing.tokens import TokenKey


def seal_key(settings: Settings, keystore_secret: bytes) -> Callable[[], RawKey | None]:
    """Return a function that opens the seal's key: PKCS#12, token, signing service, or the key of ``ged pki seal``.

    Raises:
        ConfigError: ``config.mixture``: the settings contradict each other.
    """
    places = [bool(settings.seal_pkcs12), bool(settings.seal_module), bool(settings.seal_url)]
    if sum(places) > 1:
        raise ConfigError("config.mixture", "name one place of the seal's key", setting="GED_SEAL_MODULE")
    secret = settings.seal_secret.get_secret_value() if settings.seal_secret else ""
    if settings.seal_pkcs12 is not None:
        path = settings.seal_pkcs12
        return lambda: seal_in_file(path, secret)
    if not any(places):
        return lambda: own_seal(settings.data_dir / "authority", keystore_secret)
    if settings.seal_chain is None or not settings.seal_label or not secret:
        raise ConfigError(
            "config.mixture",
            "a seal's key outside of our files needs GED_SEAL_CHAIN, GED_SEAL_LABEL and GED_SEAL_SECRET",
            setting="GED_SEAL_CHAIN",
        )
    return _elsewhere(settings, secret)


def _elsewhere(settings: Settings, secret: str) -> Callable[[], RawKey]:
    def opened() -> RawKey:
        chain = chain_of(settings.seal_chain) if settings.seal_chain else []
        if settings.seal_module is not None:
            return TokenKey(settings.seal_module, settings.seal_token, settings.seal_label, secret, tuple(chain))
        return RemoteKey(settings.seal_url.rstrip("/"), settings.seal_label, secret, tuple(chain))

    return opened
