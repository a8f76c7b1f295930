"""The French of levels and of capacities as paper bears it."""

from collections.abc import Mapping

from ged.ports import Confidentiality

LEVELS: Mapping[Confidentiality, str] = {
    Confidentiality.ORDINARY: "",
    Confidentiality.RESTRICTED: "Confidentiel",
    Confidentiality.SECRET: "Secret",
}
"""What is stamped on a sheet; an ordinary letter bears no stamp."""

CAPACITIES: Mapping[str, str] = {
    "secretary": "Saisi par le secrétariat, pour le titulaire",
    "delegation": "Par délégation",
    "interim": "Par intérim (P.I.)",
    "order": "Par ordre (P.O.)",
}
"""How somebody acted for a post, by ``HeldPost.because``; its holder acted as such."""
