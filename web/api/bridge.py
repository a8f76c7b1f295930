"""The API for scanner bridges: pairing, devices, orders (a long poll), batches and pages. Every call is idempotent."""

import json
from datetime import datetime
from typing import Any

from flask import Blueprint, g, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from ged.capture import bridges, intake, partials
from ged.capture import orders as scan_orders
from ged.capture.bridges import BridgeIdentity
from ged.capture.partials import Held, Receipt
from ged.errors import Forbidden, Invalid, Malformed, NotFound
from ged.org.throttle import Limit
from ged.paper import reserve_typed
from web.site import context, throttle
from web.site.numbers import whole
from web.words.messages import gettext as _

blueprint = Blueprint("bridge", __name__, url_prefix="/api/bridge")

ORDER_PATH = "/api/bridge/order"
PAIRINGS, TOKENS = Limit("pairing", 20, 10), Limit("token", 60, 2)
"""Limits for wrong codes and wrong tokens from one address. Right ones are never slowed."""
LONGEST_WAIT_S = 30.0
RETRY_AFTER_S = 2
WAITED = "ged.waited"
"""Key in the WSGI environment of a poll that the server has parked until now."""
MAX_JSON_BYTES = 1_000_000
MAX_PAGES = 100_000
"""Limit for the page count of an order; a larger count from a bridge is refused."""


@blueprint.before_request
def _authenticate() -> ResponseReturnValue | None:
    """Find the bridge by its bearer token. A revoked bridge polls on and on, so refusals get no journal entries."""
    if request.endpoint == "bridge.pair":
        return None if not (seconds := throttle.wait_s(PAIRINGS)) else _too_often(seconds)
    kind, _space, token = request.headers.get("Authorization", "").partition(" ")
    try:
        with context.services().reading() as session:
            g.bridge = bridges.authenticate(session, token.strip() if kind.lower() == "bearer" else "")
    except Forbidden as refusal:
        seconds = throttle.wait_s(TOKENS)
        if seconds:
            return _too_often(seconds)
        throttle.add(TOKENS)
        return jsonify(error={"code": refusal.code, "message": _("Ce scanner n'est pas connu.")}), 401
    return None


def _too_often(seconds: int) -> ResponseReturnValue:
    body = {"code": "bridge.too_often", "message": _("Trop d'essais : attendez %(seconds)s s.", seconds=seconds)}
    return jsonify(error=body), 429, {"Retry-After": str(seconds)}


def _bridge() -> BridgeIdentity:
    found: BridgeIdentity = g.bridge
    return found


def _body() -> dict[str, Any]:
    body = _parsed()
    if not isinstance(body, dict):
        raise Malformed("api.json", "send a JSON object")
    return body


def _parsed() -> object:
    """Parse the body's JSON, with limits on size and depth.

    Raises:
        Malformed: ``api.json``: too long, too deep, no JSON, or text that databases reject (NUL, lone surrogates).
    """
    request.max_content_length = MAX_JSON_BYTES
    try:
        body = json.loads(request.get_data(cache=False))
        text = json.dumps(body, ensure_ascii=False).encode()
    except (RequestEntityTooLarge, RecursionError, ValueError):
        raise Malformed("api.json", "send a JSON object") from None
    if b"\\u0000" in text:
        raise Malformed("api.json", "send text without NUL")
    return body


def _text(value: object, limit: int = 500) -> str:
    return str(value)[:limit] if isinstance(value, str | int) else ""


@blueprint.post("/pair")
def pair() -> ResponseReturnValue:
    """Exchange a pairing code for a token."""
    body = _body()
    try:
        with context.services().unit_of_work(context.now()) as uow:
            code, name = _text(body.get("code"), 64), _text(body.get("name"))
            token, bridge_id = bridges.pair(uow, code, name, now=context.now())
    except NotFound:
        throttle.add(PAIRINGS)
        raise
    return jsonify(token=token, bridge_id=bridge_id), 201


@blueprint.post("/devices")
def devices() -> ResponseReturnValue:
    """Store the scanners at the desk, and the version of the bridge."""
    body = _body()
    found = body.get("devices")
    if not isinstance(found, list):
        raise Invalid("bridge.devices", "send a list of devices")
    with context.services().unit_of_work(context.now()) as uow:
        bridges.tell_devices(uow, _bridge().id, found, version=_text(body.get("version")), now=context.now())
    return "", 204


@blueprint.get("/order")
def order() -> ResponseReturnValue:
    """The oldest order, at once. The server does the waiting (``web.site.polls``); this handler never waits.

    204: there is no order. If the request was not parked before, ``Retry-After`` tells the bridge to pause.
    """
    bridge, services = _bridge(), context.services()
    if bridge.last_seen_at is None or context.now() - bridge.last_seen_at > bridges.SEEN_EVERY:
        with services.unit_of_work(context.now()) as uow:
            bridges.seen(uow, bridge.id, now=context.now())
    with services.reading() as session:
        found = scan_orders.next_order(session, bridge.id)
    if found is None:
        waited = WAITED in request.environ
        return "", 204, {} if waited else {"Retry-After": str(RETRY_AFTER_S)}
    return jsonify(
        order_id=found.id,
        batch_key=found.batch_key,
        device=found.device,
        source=found.source,
        mode=found.mode,
        dpi=found.dpi,
        duplex=found.duplex,
        paper=found.paper,
        complete=found.complete,
    )


@blueprint.post("/order/<int:order_id>/state")
def order_state(order_id: int) -> ResponseReturnValue:
    """Store an order's progress; the response says whether to stop."""
    body = _body()
    pages = body.get("pages")
    with context.services().unit_of_work(context.now()) as uow:
        cancel = scan_orders.order_progress(
            uow,
            _bridge().id,
            order_id,
            state=_text(body.get("state"), 32),
            pages=pages if isinstance(pages, int) and 0 <= pages <= MAX_PAGES else 0,
            code=_text(body.get("code"), 64),
            detail=_text(body.get("detail")),
            now=context.now(),
        )
    return jsonify(cancel=cancel)


@blueprint.put("/reserve/<key>")
def reserve_line(key: str) -> ResponseReturnValue:
    """Keep a line of a reserve book that was typed at the desk; sent again it is the same line."""
    body = _body()
    with context.services().unit_of_work(context.now()) as uow:
        is_new = reserve_typed.take(uow, _bridge(), key, body)
    return jsonify(key=key), 201 if is_new else 200


@blueprint.put("/batch/<key>")
def begin_batch(key: str) -> ResponseReturnValue:
    """Begin a batch, or find an existing one."""
    body = _body()
    with context.services().unit_of_work(context.now()) as uow:
        is_new = intake.begin_batch(
            uow,
            _bridge(),
            key,
            device=_text(body.get("device"), 200),
            started_at=_time(body.get("started_at")),
            filename=_text(body.get("filename")),
            now=context.now(),
        )
    return jsonify(key=key), 201 if is_new else 200


def _time(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    # A time without a zone is ambiguous, so it is ignored; our own time of receipt is stored anyway.
    return found if found is not None and found.tzinfo is not None else None


@blueprint.put("/batch/<key>/page/<token>")
def put_page(key: str, token: str) -> ResponseReturnValue:
    """Receive a page, whole or a piece that begins at ``offset`` of ``X-Content-Size`` bytes.

    200 or 201: the receipt (digest and size: the page is durable). 202: the number of bytes held. 409: also the number
    of bytes held, when the piece had another offset.
    """
    taken = partials.receive_piece(
        context.services(),
        _bridge(),
        key,
        token,
        request.stream,  # type: ignore[arg-type]  # werkzeug types it IO[bytes]
        offset=request.args.get("offset", 0, type=whole),
        size_bytes=request.headers.get("X-Content-Size", request.content_length or 0, type=whole),
        digest=request.headers.get("X-Content-SHA256", ""),
        order=request.headers.get("X-Page-Order", ""),
        media_type=request.headers.get("Content-Type", ""),
        now=context.now(),
    )
    return _receipt(taken)


@blueprint.get("/batch/<key>/page/<token>")
def page_held(key: str, token: str) -> ResponseReturnValue:
    """Return how much of a page is held, so that its bridge resumes there."""
    digest = request.headers.get("X-Content-SHA256", "")
    found = partials.held(context.services(), _bridge(), key, token, digest=digest)
    return jsonify(held=found.size_bytes) if isinstance(found, Held) else _receipt(found)


def _receipt(taken: Receipt | Held) -> ResponseReturnValue:
    if isinstance(taken, Held):
        return jsonify(held=taken.size_bytes), 409 if taken.is_conflict else 202
    return jsonify(digest=taken.digest, size=taken.size_bytes), 201 if taken.is_new else 200


@blueprint.post("/batch/<key>/complete")
def complete_batch(key: str) -> ResponseReturnValue:
    """Complete a batch; 409 names the missing pages."""
    pages = [(_text(page.get("token"), 64), _text(page.get("digest"), 64)) for page in _pages(_body().get("pages"))]
    with context.services().unit_of_work(context.now()) as uow:
        missing = intake.complete_batch(uow, _bridge(), key, pages, now=context.now())
    return (jsonify(missing=missing), 409) if missing else (jsonify(missing=[]), 200)


def _pages(value: object) -> list[dict[str, object]]:
    if not isinstance(value, list) or not all(isinstance(page, dict) for page in value):
        raise Malformed("api.json", "send a list of pages with token and digest")
    return value
