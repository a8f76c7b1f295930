"""Helpers for the tests of access: the units, posts and persons that can be given a right to a letter."""

from ged.ports import Principal, heading_principal, post_principal, unit_principal
from ged.unit import Services
from tests.factories import actor


def grants(services: Services) -> dict[str, Principal]:
    """One right of each kind, given to units and posts of ``make_organisation``. Returns name of the kind ->
    principal."""
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
