"""From this revision on, the heads above a post see the letters of the post, and the index learns it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from ged.org.models import Post
from ged.ports import MailId, PostId, UnitId
from ged.routing import operations
from ged.routing.models import Assignment, Purpose
from tests.factories import NOW, actor, make_organisation, make_services
from tests.migration_kit import downgrade, engine, make_at_head, upgrade, url
from tests.routing_kit import impute, make_mentions, register

__all__ = ["engine", "url"]

pytestmark = pytest.mark.in_turns(3)


def test_letters_of_posts_get_the_right_of_the_heads_and_an_index_job(url: str, engine: Engine, tmp_path: Path) -> None:
    make_at_head(url, tmp_path)
    services = make_services(tmp_path, url=url, create=False)
    make_organisation(services)
    make_mentions(services)
    mail_id = register(services).mail_id
    impute(services, mail_id)
    with services.unit_of_work(NOW) as uow:
        above = uow.session.query(Assignment).one()
        post = uow.session.query(Post).filter_by(code="ETU-M").one()
        operations.assign(
            uow, MailId(mail_id), from_assignment_id=above.id, to_unit_id=UnitId(post.unit_id), to_post_id=PostId(post.id),
            purpose=Purpose.ACTION, instruction="", due_on=None, actor=actor(services, "dge"), now=NOW,
        )  # fmt: skip
        unit_id = post.unit_id
    services.engine.dispose()
    rights = text("SELECT mail_id, principal, because FROM mail_access WHERE principal LIKE 'c%'")
    waiting = text("SELECT count(*) FROM jobs WHERE kind = 'index' AND subject_id = :mail_id")
    wanted = [(mail_id, f"c{unit_id}", "assigned")]
    with engine.connect() as connection:
        assert [tuple(row) for row in connection.execute(rights)] == wanted
    downgrade(engine, "0033")
    with engine.begin() as connection:
        assert connection.execute(rights).all() == []
        before = connection.scalar(waiting, {"mail_id": mail_id})
    upgrade(url, tmp_path)
    with engine.connect() as connection:
        assert [tuple(row) for row in connection.execute(rights)] == wanted
        assert connection.scalar(waiting, {"mail_id": mail_id}) == before + 1
