"""Limits requests of one address to pages without an account: counted in the database, for all processes together."""

from flask import request

from ged.org import throttle
from ged.org.throttle import Limit
from web.site import context


def allows(limit: Limit) -> bool:
    """Whether the address of this request may call once more now; if so, the request is counted."""
    subject = limit.subject(request.remote_addr or "")
    with context.services().unit_of_work(context.now()) as uow:
        return throttle.take(uow.session, limit, subject, now=context.now())


def wait_s(limit: Limit) -> int:
    """Seconds until the address of this request may fail once more; 0: now."""
    with context.services().reading() as session:
        return throttle.wait_s(session, limit, limit.subject(request.remote_addr or ""), now=context.now())


def add(limit: Limit) -> None:
    """Count a failure of this request's address."""
    with context.services().unit_of_work(context.now()) as uow:
        throttle.add(uow.session, limit, limit.subject(request.remote_addr or ""), now=context.now())
