"""Helpers of the matrices of access: who may be given a right to a letter."""

from ged.ports import Principal, heading_principal, post_principal, unit_principal
from ged.unit import Services
from tests.factories import actor


def grants(services: Services) -> dict[str, Principal]:
    """A right of each kind, by its name, to units and posts of the tests' ministry."""
    sg, agent, dge, etudes, daf = (actor(services, a) for a in ("sg", "agent", "dge", "etudes", "daf"))
    return {
        "unit BO": unit_principal(agent.posts[0].unit_id),
        "unit DGE": unit_principal(dge.posts[0].unit_id),
        "unit ETU": unit_principal(etudes.posts[0].unit_id),
        "post SG": post_principal(sg.posts[0].post_id),
        "post ETU": post_principal(etudes.posts[0].post_id),
        "heads ETU": heading_principal(etudes.posts[0].unit_id),
        "post DAF": post_principal(daf.posts[0].post_id),
    }
