"""Recognises an output intent (ISO 32000-2, 14.11.5) that changes no colour. Some signing programs add one."""

from io import BytesIO

from pikepdf import Array, Dictionary, Stream
from PIL import Image, ImageCms

from signing.equality import decoded, is_container

_STEPS = range(0, 256, 51)
_NOBODY_SEES = 6  # of 255
_MOST_BYTES = 1024 * 1024


def shows_the_same(intents: object) -> bool:
    """Whether these intents, added later, leave the colours of a screen (sRGB) unchanged."""
    if not isinstance(intents, Array) or len(intents) != 1:
        return False
    intent = intents[0]
    if not isinstance(intent, Dictionary):
        return False
    profile = intent.get("/DestOutputProfile")
    others = [value for key, value in intent.items() if key != "/DestOutputProfile"]
    if any(map(is_container, others)) or not isinstance(profile, Stream) or profile.get("/N") != 3:
        return False
    raw = decoded(profile)
    return raw is not None and len(raw) <= _MOST_BYTES and _is_srgb(raw)


def _is_srgb(profile: bytes) -> bool:
    """Whether each colour of a grid looks the same as without the profile, as a source and as a destination."""
    plain = Image.new("RGB", (len(_STEPS) ** 3, 1))
    plain.putdata([(red, green, blue) for red in _STEPS for green in _STEPS for blue in _STEPS])
    try:
        given, screen = (
            ImageCms.ImageCmsProfile(BytesIO(profile)),
            ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
        )
        seen = [ImageCms.profileToProfile(plain, *pair) for pair in ((given, screen), (screen, given))]
    except (ImageCms.PyCMSError, OSError):
        return False
    return all(one is not None and _is_close(plain.tobytes(), one.tobytes()) for one in seen)


def _is_close(plain: bytes, seen: bytes) -> bool:
    pairs = zip(plain, seen, strict=False)
    return len(plain) == len(seen) and all(abs(one - other) <= _NOBODY_SEES for one, other in pairs)
