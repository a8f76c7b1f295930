"""Settings -> the directory and the identity provider that say who somebody is."""

from ged.adapters.oidc import OidcProvider, ProviderSettings
from ged.config import Settings
from ged.errors import ConfigError
from ged.ports import Directory, IdentityProvider

try:
    from ged.adapters import ldap_directory
except ImportError:  # the extra `ldap` is not installed
    ldap_directory = None  # type: ignore[assignment]


def directory(settings: Settings) -> Directory | None:
    """The directory that proves passwords; None: none is set.

    Raises:
        ConfigError: ``config.no_ldap``: the extra is not installed; ``config.invalid``.
    """
    if not settings.ldap_url:
        return None
    if ldap_directory is None:
        raise ConfigError("config.no_ldap", "install the extra `ldap`, or remove GED_LDAP_URL", setting="GED_LDAP_URL")
    password = settings.ldap_bind_password
    return ldap_directory.LdapDirectory(
        ldap_directory.DirectorySettings(
            url=settings.ldap_url,
            base=settings.ldap_base,
            bind_dn=settings.ldap_bind_dn,
            bind_password=password.get_secret_value() if password else "",
            people_filter=settings.ldap_filter,
            account_attribute=settings.ldap_account_attribute,
            id_attribute=settings.ldap_id_attribute,
            closed_filter=settings.ldap_closed_filter,
            ca_file=settings.ldap_ca,
        )
    )


def provider(settings: Settings) -> IdentityProvider | None:
    """The identity provider; None: none is set.

    Raises:
        ConfigError: ``config.invalid``.
    """
    if not settings.oidc_issuer:
        return None
    secret = settings.oidc_client_secret
    return OidcProvider(
        ProviderSettings(
            issuer=settings.oidc_issuer,
            client_id=settings.oidc_client_id,
            client_secret=secret.get_secret_value() if secret else "",
            scopes=settings.oidc_scopes,
            account_claim=settings.oidc_account_claim,
            second_step=settings.oidc_second_step,
            label=settings.oidc_label,
            ca_file=settings.oidc_ca,
            protected=settings.protected_hosts,
        )
    )
