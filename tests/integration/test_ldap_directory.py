"""A directory over LDAP, against a real OpenLDAP with the attributes of Active Directory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ged.adapters import ldap_directory
from ged.adapters.ldap_directory import LdapDirectory
from ged.errors import ConfigError, EngineFailed
from ged.ports import Proof, Standing
from tests import tls_kit
from tests.servers import free_port, slapd
from tests.servers.slapd import Tree

pytestmark = [pytest.mark.servers, pytest.mark.in_turns(3)]
RIGHT = "Le mot de passe de l'annuaire é"


@pytest.fixture
def tree() -> Iterator[Tree]:
    made = slapd.tree()
    yield made
    made.root.unbind_s()


def test_a_password_is_proved_by_a_bind_as_the_entry(tree: Tree) -> None:
    guid = tree.add("awa", RIGHT)
    directory = LdapDirectory(tree.settings())
    assert directory.prove("AWA", RIGHT).proof is Proof.PROVED
    assert directory.prove("awa", RIGHT).subject == guid
    assert directory.prove("awa", RIGHT + " ").proof is Proof.WRONG
    assert directory.prove("kofi", RIGHT).proof is Proof.UNKNOWN
    assert directory.look() == tree.url


def test_an_empty_password_is_no_password_although_the_server_would_bind(tree: Tree) -> None:
    tree.add("awa", RIGHT)
    directory = LdapDirectory(tree.settings())
    assert directory.prove("awa", "").proof is Proof.WRONG
    assert directory.prove("awa", "\0" + RIGHT).proof is Proof.WRONG


@pytest.mark.parametrize(
    "typed", ["*", "a*", "awa)(objectClass=*", "*)(|(sAMAccountName=awa)", "awa\0", "\\61wa", "(", "awa)(&"]
)
def test_characters_of_a_filter_are_letters_of_a_name(tree: Tree, typed: str) -> None:
    tree.add("awa", RIGHT)
    assert LdapDirectory(tree.settings()).prove(typed, RIGHT).proof is Proof.UNKNOWN


def test_an_account_with_such_characters_signs_in(tree: Tree) -> None:
    tree.add("a(w)*a\\", RIGHT, name="awa, chef + cie")
    assert LdapDirectory(tree.settings()).prove("a(w)*a\\", RIGHT).proof is Proof.PROVED


def test_a_linked_account_is_found_by_what_its_entry_keeps(tree: Tree) -> None:
    guid = tree.add("awa", RIGHT)
    tree.change("awa", sAMAccountName="awa.renommee")
    tree.add("awa", "le mot de passe d'une autre", name="une autre awa")
    directory = LdapDirectory(tree.settings())
    assert directory.prove("awa", RIGHT, subject=guid).proof is Proof.PROVED
    assert directory.prove("awa", "le mot de passe d'une autre", subject=guid).proof is Proof.WRONG


def test_two_entries_of_one_name_are_nobody(tree: Tree) -> None:
    tree.add("awa", RIGHT)
    tree.add("awa", RIGHT, name="la seconde")
    assert LdapDirectory(tree.settings()).prove("awa", RIGHT).proof is Proof.UNKNOWN


def test_an_account_closed_in_the_directory_proves_nothing_though_the_bind_succeeds(tree: Tree) -> None:
    tree.add("awa", RIGHT, control=514)
    directory = LdapDirectory(tree.settings())
    assert directory.prove("awa", RIGHT).proof is Proof.WRONG
    tree.change("awa", userAccountControl="512")
    assert directory.prove("awa", RIGHT).proof is Proof.PROVED


def test_how_entries_stand_is_asked_for_many_at_once(tree: Tree) -> None:
    guids = [tree.add(f"p{n}", RIGHT, control=514 if n == 3 else 512) for n in range(120)]
    tree.remove("p7")
    told = LdapDirectory(tree.settings()).standing(guids)
    assert [n for n, guid in enumerate(guids) if told[guid] is not Standing.OPEN] == [3, 7]
    assert (told[guids[3]], told[guids[7]]) == (Standing.CLOSED, Standing.GONE)


def test_a_filter_of_ones_own_says_who_is_closed(tree: Tree) -> None:
    guid = tree.add("awa", RIGHT)
    tree.change("awa", employeeType="parti")
    directory = LdapDirectory(tree.settings(closed_filter="(employeeType=parti)"))
    assert directory.standing([guid]) == {guid: Standing.CLOSED}
    assert directory.prove("awa", RIGHT).proof is Proof.WRONG


def test_tls_first_and_starttls_both_work_and_the_first_server_that_answers_counts(tree: Tree) -> None:
    tree.add("awa", RIGHT)
    secure = slapd.secure_url(tree.url)
    away = f"ldaps://127.0.0.1:{free_port()}"
    for url in (secure, f"{away} {secure}", f"{away} {tree.url}"):
        assert LdapDirectory(tree.settings(url=url)).prove("awa", RIGHT).proof is Proof.PROVED, url


@pytest.mark.parametrize("how", ["authority", "name"])
def test_a_certificate_of_another_proves_nothing(tree: Tree, tmp_path: Path, how: str) -> None:
    other = tls_kit.authority(tmp_path, "une autre").file
    for url in (tree.url, slapd.secure_url(tree.url)):
        named = url.replace("127.0.0.1", "localhost") if how == "name" else url
        settings = tree.settings(url=named, **({"ca_file": other} if how == "authority" else {}))
        with pytest.raises(EngineFailed) as told:
            LdapDirectory(settings).prove("awa", RIGHT)
        assert told.value.code == "directory.certificate", url


def test_what_is_wrong_in_the_settings_is_named(tree: Tree, tmp_path: Path) -> None:
    wrong = {
        "directory.bind": {"bind_password": "un autre"},
        "directory.base": {"base": f"ou=ailleurs,{slapd.SUFFIX}"},
        "directory.filter": {"closed_filter": "(pas un filtre"},
        "directory.away": {"url": f"ldap://127.0.0.1:{free_port()}"},
    }
    for code, changed in wrong.items():
        with pytest.raises(EngineFailed) as told:
            LdapDirectory(tree.settings(**{"bind_dn": f"cn=cherche,{tree.base}", **changed})).look()
        assert told.value.code == code
    for changed in ({"bind_password": ""}, {"ca_file": tmp_path / "absent.pem"}):
        with pytest.raises(ConfigError):
            LdapDirectory(tree.settings(**changed))


def test_a_directory_whose_base_is_gone_says_of_nobody_that_he_is_gone(tree: Tree) -> None:
    with pytest.raises(EngineFailed) as told:
        LdapDirectory(tree.settings(base=f"ou=ailleurs,{slapd.SUFFIX}", bind_dn=f"cn=cherche,{tree.base}")).standing(
            ["00"]
        )
    assert told.value.code == "directory.base"


def test_a_server_that_gives_some_entries_only_says_of_nobody_that_he_is_gone(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    guids = [tree.add(name, RIGHT, control=control) for name, control in (("awa", 512), ("kofi", 514), ("ama", 514))]
    monkeypatch.setattr(ldap_directory, "MOST_ENTRIES", 1)
    directory = LdapDirectory(tree.settings())
    with pytest.raises(EngineFailed) as told:
        directory.standing(guids)
    assert (told.value.code, told.value.params["reason"]) == ("directory.away", "SIZELIMIT_EXCEEDED")
    assert directory.look() == tree.url
    assert directory.prove("awa", RIGHT).proof is Proof.PROVED


def test_time_does_not_tell_who_is_in_the_directory(tree: Tree) -> None:
    tree.add("awa", RIGHT)
    directory = LdapDirectory(tree.settings())

    def taken_s(account: str) -> float:
        begun = time.perf_counter()
        directory.prove(account, "faux")
        return time.perf_counter() - begun

    # The least of many, one after the other: what else the machine does only adds, and not to all of them.
    pairs = [(taken_s("awa"), taken_s("kofi")) for _ in range(15)]
    known, unknown = (min(one) for one in zip(*pairs, strict=True))
    assert 0.5 < known / unknown < 2
