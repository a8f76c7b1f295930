"""Whether the S3 store of the files is of use: reached, compares, takes, gives back and removes."""

import io
import secrets

from ged.errors import GedError
from ged.health.findings import Finding, fault, not_applicable, ok, refused, warning
from ged.health.ground import Ground
from web.wiring.stored_files import s3

FAR_S = 60.0
CONTENT = b"GED\n"


def store(ground: Ground) -> Finding:
    """Write, read and remove a probe; ask what the bucket keeps and locks."""
    settings = ground.options
    if not settings.blobs:
        return not_applicable("not_set")
    bucket, name = s3().bucket(settings, settings.blobs), settings.blobs
    key = f"probe/{secrets.token_hex(8)}"
    try:
        apart_s = (bucket.now() - ground.now).total_seconds()
        offers, rule = bucket.locking()
        if settings.s3_lock and not offers:
            return fault("no_lock", store=name)
        if not bucket.refuses_wrong_digest(key):
            return fault("unchecked", store=name)
        bucket.put(key, io.BytesIO(CONTENT), only_new=True, locked=False)
        written = bucket.versions(key)
        found = [bucket.read(key, 1, len(CONTENT), version=one) for one in ("", *written)]
        rights = bucket.rights_to_see_locks(key, written[0]) if offers and written else {}
        bucket.remove(key)
        if any(one is None or one[0] != CONTENT[1:] for one in found):
            return fault("altered", store=name)
        if bucket.head(key) is not None:
            return fault("stays", store=name)
        versions = bucket.versioning()
    except GedError as error:
        return refused(error)
    if abs(apart_s) > FAR_S:
        return warning("clock", store=name, apart_s=round(apart_s))
    if lacking := [right for right, is_given in rights.items() if not is_given]:
        return warning("unseen_lock", store=name, rights=", ".join(lacking))
    if rule and settings.keyring is None:
        return warning("own_rule", store=name, rule=rule)
    return ok(store=name, versions=versions or "-", lock=settings.s3_lock or rule or "-")
