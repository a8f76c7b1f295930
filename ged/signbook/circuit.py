"""The circuit of visas: whose turn it is, what a refusal or a change undoes. Pure: no database.

A visa is given on a version of the content, by a post. It stands while that version is the current one and its post
is in the circuit: a refusal therefore undoes none by itself (an author who convinces the refuser starts again where
the letter stopped), and every change of content undoes all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ged.errors import Forbidden, Invalid, InvalidTransition
from ged.ports import PostId

MAX_VISAS = 12


@dataclass(frozen=True)
class GivenVisa:
    """A visa as it was given: the entry's id, the post and the person, the version of the content."""

    entry_id: int
    post_id: PostId
    person_id: int
    version_no: int


@dataclass(frozen=True)
class Turn:
    """Who acts next, and whether it is the signature."""

    post_id: PostId
    is_signature: bool


@dataclass(frozen=True)
class Circuit:
    """Visas in order, then the signatory.

    Attributes:
        visa_posts: posts whose visa is asked, in order.
        signatory: the post that signs.
        version_no: the current version of the content.
        given: visas not cancelled, in the order given.
        is_submitted: whether it is in the circuit; False while it is with its author.
        acted_since_submission: whether somebody has acted since the author handed it in.
    """

    visa_posts: tuple[PostId, ...]
    signatory: PostId
    version_no: int
    given: tuple[GivenVisa, ...] = ()
    is_submitted: bool = True
    acted_since_submission: bool = False


def make_circuit(visa_posts: Sequence[PostId], signatory: PostId | None) -> tuple[tuple[PostId, ...], PostId]:
    """The posts of a circuit, checked.

    Raises:
        Invalid: ``circuit.no_signatory``, ``circuit.twice``, ``circuit.too_long``.
    """
    if signatory is None:
        raise Invalid("circuit.no_signatory", "choose who signs", field="signatory_post_id")
    if len(visa_posts) > MAX_VISAS:
        raise Invalid("circuit.too_long", "ask fewer visas", field="visa_post_ids", limit=MAX_VISAS)
    if len(set(visa_posts)) != len(visa_posts) or signatory in visa_posts:
        raise Invalid("circuit.twice", "name each post once: who signs gives no visa", field="visa_post_ids")
    return tuple(visa_posts), signatory


def standing(circuit: Circuit) -> dict[PostId, GivenVisa]:
    """The visas that count, by post."""
    return {
        visa.post_id: visa
        for visa in circuit.given
        if visa.version_no == circuit.version_no and visa.post_id in circuit.visa_posts
    }


def turn(circuit: Circuit) -> Turn | None:
    """Who acts next; None while the letter is with its author."""
    if not circuit.is_submitted:
        return None
    stand = standing(circuit)
    for post_id in circuit.visa_posts:
        if post_id not in stand:
            return Turn(post_id, is_signature=False)
    return Turn(circuit.signatory, is_signature=True)


def require_turn(circuit: Circuit, post_ids: frozenset[PostId], *, signature: bool) -> PostId:
    """The post through which an actor with these posts acts now.

    Raises:
        Forbidden: ``circuit.not_yours``.
        InvalidTransition: ``circuit.not_your_turn``: a post of the circuit, but another one is next.
    """
    now = turn(circuit)
    if now is not None and now.post_id in post_ids and now.is_signature is signature:
        return now.post_id
    if post_ids.isdisjoint({*circuit.visa_posts, circuit.signatory}):
        raise Forbidden("circuit.not_yours", "only posts of the circuit act on the letter")
    raise InvalidTransition("circuit.not_your_turn", "reload the page: somebody acted before, or comes before you")


def undone_by_change(circuit: Circuit) -> tuple[GivenVisa, ...]:
    """The visas that a change to text, annexes, addressees or copies cancels: all of those that stand."""
    return tuple(standing(circuit).values())


def undone_by_circuit_change(circuit: Circuit, visa_posts: Sequence[PostId]) -> tuple[GivenVisa, ...]:
    """The visas whose post leaves the circuit."""
    return tuple(visa for post, visa in standing(circuit).items() if post not in visa_posts)


def require_recallable(circuit: Circuit) -> None:
    """The author takes a letter back until the next one has acted.

    Raises:
        InvalidTransition: ``circuit.acted_already``: ask for a refusal instead.
    """
    if not circuit.is_submitted or circuit.acted_since_submission:
        raise InvalidTransition("circuit.acted_already", "ask the next approver to send it back")
