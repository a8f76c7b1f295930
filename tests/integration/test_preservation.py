"""Letters and slips that were signed while the authorities were unreachable. Jobs complete them when they return."""

import dataclasses
import itertools
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from ged import jobs, pipeline
from ged.dispatch.operations import signed_pdf
from ged.errors import StaleVersion
from ged.jobs import JobKind
from ged.ports import Digest, Verdict
from ged.preservation import documents
from ged.preservation import queries as standings
from ged.preservation.documents import SignedKind
from ged.preservation.models import Preservation
from ged.preservation.operations import preserve, standing
from ged.register.models import Attachment, AttachmentKind
from ged.signbook import queries
from ged.signbook.models import SignedRevision
from ged.slips.drafting import LineForm
from ged.slips.models import ReceiptWay, SlipReceipt, SlipRevision
from ged.slips.states import LineState
from ged.verify import verify
from signing.preserve import PadesPreserver
from tests.factories import NOW, SharedChecker
from tests.servers.authorities import Authorities
from tests.signbook_kit import House, house
from tests.slip_kit import letter, send, take

__all__ = ["house"]

pytestmark = pytest.mark.in_turns(2)


@pytest.fixture(scope="module")
def authorities(tmp_path_factory):
    made = Authorities(tmp_path_factory.mktemp("others"), NOW)
    yield made
    made.close()


@pytest.fixture
def healed(house: House, authorities: Authorities):
    """A ministry with authorities, all of them reachable."""
    authorities.down.clear()

    def roots() -> tuple[str, ...]:
        return (*house.services.vault.trust_roots_pem(), authorities.root_pem)

    preserver = PadesPreserver([authorities.tsa()], roots, pause_s=0)
    checker = SharedChecker(roots())
    house.services = dataclasses.replace(house.services, preserver=preserver, checker=checker)
    yield house
    checker.close()


def run(house: House, kind: JobKind, *, now: datetime = NOW) -> int:
    """Run the waiting jobs of a kind at a given time. Returns how many ran."""
    with house.services.unit_of_work(now) as uow:
        due = jobs.due(uow.session, now=now, kinds=[kind])
        claimed = [jobs.claim(uow.session, job_id, worker="w", now=now) for job_id in due]
    for job in claimed:
        assert job is not None
        pipeline.KINDS[kind].function(pipeline.Run(house.services, job, lambda _: None, now))
        with house.services.unit_of_work(now) as uow:
            jobs.finish(uow.session, job, now=now)
    return len(claimed)


def levels(house: House, model=SignedRevision) -> list[str]:
    with house.services.reading() as session:
        return list(session.scalars(select(model.level).order_by(model.sequence)))


def test_a_letter_signed_in_an_outage_is_raised_when_the_authorities_are_back(healed, authorities):
    authorities.down |= {"tsa", "crls", "ocsp"}
    mail_id = healed.ready()
    (result,) = healed.sign(mail_id, key=healed.key("sg"))
    assert result.failure is None
    assert run(healed, JobKind.PRESERVE) == 1
    assert (levels(healed), standing(healed.services)) == (["B-B"], (("B-B", "sign.no_timestamp", 1),))
    assert healed.show(mail_id, "sg").level_reached == "B-B"

    authorities.down -= {"tsa"}
    later = NOW + timedelta(minutes=6)
    pipeline.schedule_periodic(healed.services, now=later)
    assert run(healed, JobKind.PRESERVE_DUE, now=later) == 1
    assert standing(healed.services) == (("B-T", "preserve.no_revocation", 1),)

    authorities.down.clear()
    latest = later + timedelta(hours=1)
    pipeline.schedule_periodic(healed.services, now=latest)
    assert run(healed, JobKind.PRESERVE_DUE, now=latest) == 1
    assert levels(healed) == ["B-B", "B-T", "B-LT", "B-LTA"]
    assert standing(healed.services) == (("B-LTA", "", 1),)
    row = healed.show(mail_id, "sg")
    assert row.level_reached == "B-LTA"
    pipeline.schedule_periodic(healed.services, now=latest + timedelta(hours=1))
    assert run(healed, JobKind.PRESERVE_DUE, now=latest + timedelta(hours=1)) == 0

    # The page, the departure and `ged verify` have the last bytes, which begin with the first ones.
    with healed.services.reading() as session:
        issued = queries.issued_of(session, mail_id)
        attachments = session.scalars(select(Attachment).where(Attachment.kind == AttachmentKind.SIGNED)).all()
        assert signed_pdf(session, mail_id)[0] == issued[-1]
        assert session.get_one(Attachment, row.signed_id).digest == issued[-1]
    assert [one.digest for one in attachments] == [issued[0], issued[1], issued[3]]
    contents = []
    for digest in issued:
        with healed.services.blobs.open(Digest(digest)) as stored:
            contents.append(stored.read())
    assert all(after.startswith(before) for before, after in itertools.pairwise(contents))
    reports = healed.services.checker.check(contents[-1], at=latest, issued=issued)
    assert (reports[0].verdict, reports[0].level) == (Verdict.GREEN, "B-LTA")
    report = verify(healed.services, now=latest)
    assert (report.problems, report.signatures) == ((), 3)


def test_the_renewal_is_due_before_the_last_time_stamp_ends(healed, authorities):
    mail_id = healed.ready()
    healed.sign(mail_id, key=healed.key("sg"))
    run(healed, JobKind.PRESERVE)
    with healed.services.reading() as session:
        row = session.scalars(select(Preservation)).one()
    assert row.due_at.year == 2059  # half a year before the authority's certificate expires


def test_a_slip_is_raised_at_each_end_and_nobody_is_disturbed(healed, authorities):
    services = healed.services
    slip = send(services, LineForm(mail_id=letter(services)))
    assert run(healed, JobKind.PRESERVE) == 1
    assert levels(healed, SlipRevision) == ["B-B", "B-T", "B-LT", "B-LTA"]
    take(services, slip.slip_id, LineState.RECEIVED)
    assert levels(healed, SlipRevision)[-1] == "B-B"
    assert run(healed, JobKind.PRESERVE) == 1
    assert levels(healed, SlipRevision)[4:] == ["B-B", "B-T", "B-LT", "B-LTA"]
    assert verify(services, now=NOW).problems == ()


def test_a_slip_that_is_being_received_waits(healed):
    services = healed.services
    slip = send(services, LineForm(mail_id=letter(services)))
    with services.unit_of_work(NOW) as uow:
        last = documents.last_of(uow.session, SignedKind.SLIP, slip.slip_id)
        receipt = SlipReceipt(
            slip_id=slip.slip_id, way=ReceiptWay.DIGITAL, attempt=1, name="x", title="x", received_at=NOW
        )
        uow.session.add(receipt)
    assert last is not None
    assert preserve(services, SignedKind.SLIP, slip.slip_id, now=NOW) == "preserve.busy"
    assert levels(healed, SlipRevision) == ["B-B"]
    with services.blobs.open(last.digest) as stored:
        step = services.preserver.next_step(stored.read(), now=NOW)
    with pytest.raises(StaleVersion), services.unit_of_work(NOW) as uow:
        documents.append(uow, last, step, last.digest)


def test_a_slip_received_between_reading_and_storing_is_begun_again(healed):
    services = healed.services
    slip = send(services, LineForm(mail_id=letter(services)))
    with services.reading() as session:
        last = documents.last_of(session, SignedKind.SLIP, slip.slip_id)
    with services.blobs.open(last.digest) as stored:
        step = services.preserver.next_step(stored.read(), now=NOW)
    take(services, slip.slip_id, LineState.RECEIVED)
    with pytest.raises(StaleVersion), services.unit_of_work(NOW) as uow:
        documents.append(uow, last, step, last.digest)
    assert levels(healed, SlipRevision) == ["B-B", "B-B"]


def test_what_was_signed_before_there_was_an_authority_is_raised_too(house, healed):
    without = dataclasses.replace(healed.services, preserver=None)
    with_authority, healed.services = healed.services, without
    healed.sign(healed.ready(), key=healed.key("sg"))
    pipeline.schedule_periodic(without, now=NOW)
    assert run(healed, JobKind.PRESERVE) == 1
    assert levels(healed) == ["B-B"]
    with without.reading() as session:
        assert standings.counts(session)["B-B"] == 1
    assert run(healed, JobKind.PRESERVE_DUE) == 0
    healed.services = with_authority
    later = NOW + timedelta(minutes=5)
    pipeline.schedule_periodic(with_authority, now=later)
    assert run(healed, JobKind.PRESERVE_DUE, now=later) == 1
    assert levels(healed)[-1] == "B-LTA"
