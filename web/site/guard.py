"""The one access list: every endpoint of the site and the API, and who may call it.

The application does not start if an endpoint is missing here. ``ged.access`` and the operations decide what a person
may do with *one letter*; this list only decides who may call an endpoint.

To add a view: add its endpoint (``blueprint.function``) to ``ACCESS``, in the block of its feature.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from flask import Flask, request

from ged.errors import Forbidden
from ged.org import tree
from ged.unit import Actor, Role
from web.site import context


class Access(Enum):
    """Access rules that do not depend on roles."""

    PUBLIC = "public"
    """Anybody, signed in or not."""
    SIGNED_IN = "signed_in"
    """Anybody with an account."""
    BRIDGE = "bridge"
    """A scanner bridge with its bearer token; no session, no CSRF token. The view checks the token."""
    PROVIDER = "provider"
    """The identity provider with a token that it signed; no session, no CSRF token. The operation checks the token."""
    PUBLISHED = "published"
    """Anybody, also programs: public data; no session, no CSRF token, and nothing is changed."""


@dataclass(frozen=True)
class OfInstallation:
    """A rule: any of these roles, for the whole installation (``ged.org.tree.runs_installation``).

    What these pages show or change is of all ministries of the installation.
    """

    roles: frozenset[Role]


Rule = Access | frozenset[Role] | OfInstallation

PUBLIC, SIGNED_IN, BRIDGE, PUBLISHED = Access.PUBLIC, Access.SIGNED_IN, Access.BRIDGE, Access.PUBLISHED
PROVIDER = Access.PROVIDER


def roles(*allowed: Role) -> frozenset[Role]:
    """A rule: any of these roles on any post held or acted for."""
    return frozenset(allowed)


def installation(*allowed: Role) -> OfInstallation:
    """A rule: as ``roles``, for the whole installation."""
    return OfInstallation(frozenset(allowed))


ACCESS: Mapping[str, Rule] = {
    # --- the shell ---
    "static": PUBLIC,
    "session.home": SIGNED_IN,
    "session.sign_in_form": PUBLIC,
    "session.sign_in": PUBLIC,
    "session.sign_out": PUBLIC,
    "session.password_form": SIGNED_IN,
    "session.proof_form": SIGNED_IN,
    "session.prove": SIGNED_IN,
    "session.own_sessions": SIGNED_IN,
    "session.end_own": SIGNED_IN,
    "session.end_others": SIGNED_IN,
    "session.all_sessions": roles(Role.ADMINISTRATOR),
    "session.end_any": roles(Role.ADMINISTRATOR),
    "session.change_password": SIGNED_IN,
    "session.unlock_key_form": SIGNED_IN,
    "session.unlock_key": SIGNED_IN,
    "session.lock_key": SIGNED_IN,
    "help.start": SIGNED_IN,
    "help.show": SIGNED_IN,
    "help.picture": SIGNED_IN,
    "help.all_booklets": SIGNED_IN,
    "help.booklet": SIGNED_IN,
    "health.show": PUBLIC,
    "health.site": PUBLIC,
    "health.ready": PUBLIC,
    "health.upload_room": SIGNED_IN,
    "session.change_person": PUBLIC,
    "provider.begin": PUBLIC,
    "provider.prove": SIGNED_IN,
    "provider.returned": PUBLIC,
    "provider.left": PROVIDER,
    "second_step.form": PUBLIC,
    "second_step.code": PUBLIC,
    "second_step.recovery": PUBLIC,
    "second_step.ask_passkey": PUBLIC,
    "second_step.passkey": PUBLIC,
    "second_step.ask_alone": PUBLIC,
    "second_step.passkey_alone": PUBLIC,
    "second_factor.index": SIGNED_IN,
    "second_factor.act_form": SIGNED_IN,
    "second_factor.begin_totp": SIGNED_IN,
    "second_factor.totp_form": SIGNED_IN,
    "second_factor.arm_totp": SIGNED_IN,
    "second_factor.remove_totp": SIGNED_IN,
    "second_factor.begin_passkey": SIGNED_IN,
    "second_factor.add_passkey": SIGNED_IN,
    "second_factor.remove_passkey": SIGNED_IN,
    "second_factor.renew_codes": SIGNED_IN,
    "second_factor.print_codes": SIGNED_IN,
    "first_access.form": PUBLIC,
    "first_access.read": PUBLIC,
    "first_access.choose": PUBLIC,
    # --- the language ---
    "training.index": SIGNED_IN,
    "training.start": SIGNED_IN,
    "training.answer": SIGNED_IN,
    "training.sheet": SIGNED_IN,
    "training.results": roles(Role.ADMINISTRATOR),
    "training.all_sheets": roles(Role.ADMINISTRATOR),
    "training.kept_mails": roles(Role.ADMINISTRATOR),
    "training_place.index": installation(Role.ADMINISTRATOR),
    "tour.index": SIGNED_IN,
    "tour.end": SIGNED_IN,
    "language.switch": PUBLIC,
    "language.form": SIGNED_IN,
    "language.choose": SIGNED_IN,
    # --- what our certificate authority publishes ---
    "pki.revocation_list": PUBLISHED,
    "pki.certificate": PUBLISHED,
    "pki.ocsp": PUBLISHED,
    "pki.ocsp_get": PUBLISHED,
    "pki.token_keys": PUBLISHED,
    "pki.journal_key": PUBLISHED,
    "pki.verifier": PUBLISHED,
    "pki.verifier_digest": PUBLISHED,
    # --- the public page of a signed letter ---
    "check.form": PUBLISHED,
    "check.look_up": PUBLISHED,
    "check.letter": PUBLISHED,
    "check.compare": PUBLISHED,
    # --- delegations ---
    "delegations.index": SIGNED_IN,
    "delegations.create": SIGNED_IN,
    "delegations.withdraw": SIGNED_IN,
    # --- figures: whose letters are counted for whom, the reach of the reader says (ged.dashboard.reach); who oversees nothing
    # opens no page of supervision ---
    "dashboard.index": SIGNED_IN,
    "dashboard.table": SIGNED_IN,
    "dashboard.criteria": SIGNED_IN,
    "dashboard.export": SIGNED_IN,
    "dashboard.letters": SIGNED_IN,
    "dashboard.listed": SIGNED_IN,
    "supervision.index": SIGNED_IN,
    "supervision.table": SIGNED_IN,
    "supervision.criteria": SIGNED_IN,
    "supervision.export": SIGNED_IN,
    # --- notices ---
    "morning.index": SIGNED_IN,
    "notices.acknowledge": SIGNED_IN,
    "notices.index": SIGNED_IN,
    "notices.follow": SIGNED_IN,
    "notices.read_all": SIGNED_IN,
    "notices.choice_form": SIGNED_IN,
    "notices.choose": SIGNED_IN,
    # --- absences ---
    "absences.index": SIGNED_IN,
    "absences.declare": SIGNED_IN,
    "absences.end": SIGNED_IN,
    "absences.acknowledge": SIGNED_IN,
    # --- first accesses: the second person may be a head, or who acts for one; the operation asks who ---
    "openings.index": SIGNED_IN,
    "openings.confirm": SIGNED_IN,
    "openings.refuse": SIGNED_IN,
    # --- resets of the second step: as first accesses ---
    "factor_resets.index": SIGNED_IN,
    "factor_resets.ask": roles(Role.ADMINISTRATOR),
    "factor_resets.confirm": SIGNED_IN,
    "factor_resets.refuse": SIGNED_IN,
    # --- administration ---
    "directory_settings.index": installation(Role.ADMINISTRATOR),
    "directory_settings.name_glass": installation(Role.ADMINISTRATOR),
    "directory_settings.withdraw_glass": installation(Role.ADMINISTRATOR),
    "directory_settings.unlink": installation(Role.ADMINISTRATOR),
    "admin.index": roles(Role.ADMINISTRATOR),
    "admin.jobs": installation(Role.ADMINISTRATOR),
    "admin.retry_job": installation(Role.ADMINISTRATOR),
    "checks.index": installation(Role.ADMINISTRATOR),
    "checks.progress": installation(Role.ADMINISTRATOR),
    "checks.look": installation(Role.ADMINISTRATOR),
    "entity_exports.index": installation(Role.ADMINISTRATOR),
    "entity_exports.progress": installation(Role.ADMINISTRATOR),
    "entity_exports.ask": installation(Role.ADMINISTRATOR),
    "entity_exports.fetch": installation(Role.ADMINISTRATOR),
    "entity_exports.drop": installation(Role.ADMINISTRATOR),
    "mailboxes.index": installation(Role.ADMINISTRATOR),
    "post.index": installation(Role.ADMINISTRATOR),
    "post.loop": installation(Role.ADMINISTRATOR),
    "organisation.index": roles(Role.ADMINISTRATOR),
    "organisation.show": roles(Role.ADMINISTRATOR),
    "organisation.create": roles(Role.ADMINISTRATOR),
    "organisation.change": roles(Role.ADMINISTRATOR),
    "organisation.move": roles(Role.ADMINISTRATOR),
    "organisation.merge": roles(Role.ADMINISTRATOR),
    "organisation.close": roles(Role.ADMINISTRATOR),
    "people.index": roles(Role.ADMINISTRATOR),
    "people.show": roles(Role.ADMINISTRATOR),
    "people.create": roles(Role.ADMINISTRATOR),
    "people.change": roles(Role.ADMINISTRATOR),
    "people.leave": roles(Role.ADMINISTRATOR),
    "people.reopen": roles(Role.ADMINISTRATOR),
    "people.rights": roles(Role.ADMINISTRATOR),
    "people.first_access": roles(Role.ADMINISTRATOR),
    "posts.show": roles(Role.ADMINISTRATOR),
    "posts.create": roles(Role.ADMINISTRATOR),
    "posts.change": roles(Role.ADMINISTRATOR),
    "posts.give": roles(Role.ADMINISTRATOR),
    "register_settings.index": roles(Role.ADMINISTRATOR),
    "register_settings.show": roles(Role.ADMINISTRATOR),
    "register_settings.create": roles(Role.ADMINISTRATOR),
    "register_settings.change": roles(Role.ADMINISTRATOR),
    "register_settings.continue_paper": roles(Role.ADMINISTRATOR),
    "register_settings.close": roles(Role.ADMINISTRATOR),
    "register_settings.reopen": roles(Role.ADMINISTRATOR),
    "register_settings.numbers": roles(Role.ADMINISTRATOR),
    "nature_settings.index": roles(Role.ADMINISTRATOR),
    "nature_settings.show": roles(Role.ADMINISTRATOR),
    "nature_settings.create": roles(Role.ADMINISTRATOR),
    "nature_settings.change": roles(Role.ADMINISTRATOR),
    "nature_settings.circuit": roles(Role.ADMINISTRATOR),
    "nature_settings.close": roles(Role.ADMINISTRATOR),
    "nature_settings.reopen": roles(Role.ADMINISTRATOR),
    "mention_settings.index": roles(Role.ADMINISTRATOR),
    "mention_settings.create": roles(Role.ADMINISTRATOR),
    "mention_settings.change": roles(Role.ADMINISTRATOR),
    "template_settings.index": roles(Role.ADMINISTRATOR),
    "template_settings.show": roles(Role.ADMINISTRATOR),
    "template_settings.create": roles(Role.ADMINISTRATOR),
    "template_settings.change": roles(Role.ADMINISTRATOR),
    "filing_settings.index": installation(Role.ADMINISTRATOR),
    "filing_settings.show": installation(Role.ADMINISTRATOR),
    "filing_settings.create": installation(Role.ADMINISTRATOR),
    "filing_settings.change": installation(Role.ADMINISTRATOR),
    "filing_settings.close": installation(Role.ADMINISTRATOR),
    "filing_settings.reopen": installation(Role.ADMINISTRATOR),
    "checklist.index": roles(Role.ADMINISTRATOR),
    "checklist.see_backup": installation(Role.ADMINISTRATOR),
    "legal_papers.index": roles(Role.ADMINISTRATOR),
    "legal_papers.show": roles(Role.ADMINISTRATOR),
    "legal_papers.read": roles(Role.ADMINISTRATOR),
    "legal_papers.preview": roles(Role.ADMINISTRATOR),
    "legal_papers.make": roles(Role.ADMINISTRATOR),
    "supervisors.index": roles(Role.ADMINISTRATOR),
    "supervisors.give": roles(Role.ADMINISTRATOR),
    "supervisors.end": roles(Role.ADMINISTRATOR),
    "acts.index": roles(Role.ADMINISTRATOR),
    "acts.show": roles(Role.ADMINISTRATOR),
    "acts.confirm": roles(Role.ADMINISTRATOR),
    "acts.withdraw": roles(Role.ADMINISTRATOR),
    "word_templates.index": roles(Role.ADMINISTRATOR),
    "word_templates.add": roles(Role.ADMINISTRATOR),
    "word_templates.take": roles(Role.ADMINISTRATOR),
    "word_templates.preview": roles(Role.ADMINISTRATOR),
    "word_templates.withdraw": roles(Role.ADMINISTRATOR),
    "report_templates.index": roles(Role.ADMINISTRATOR),
    "report_templates.add": roles(Role.ADMINISTRATOR),
    "report_templates.preview": roles(Role.ADMINISTRATOR),
    "report_templates.withdraw": roles(Role.ADMINISTRATOR),
    "acts.undo": roles(Role.ADMINISTRATOR),
    "rollout.index": installation(Role.ADMINISTRATOR),
    "rollout.template": installation(Role.ADMINISTRATOR),
    "rollout.existing": installation(Role.ADMINISTRATOR),
    "rollout.hand_in": installation(Role.ADMINISTRATOR),
    "rollout.show": installation(Role.ADMINISTRATOR),
    "rollout.marked": installation(Role.ADMINISTRATOR),
    "rollout.take_in": installation(Role.ADMINISTRATOR),
    "rollout.undo": installation(Role.ADMINISTRATOR),
    "synonyms.index": installation(Role.ADMINISTRATOR),
    "synonyms.add": installation(Role.ADMINISTRATOR),
    "synonyms.undo": installation(Role.ADMINISTRATOR),
    "synonyms.edit_form": installation(Role.ADMINISTRATOR),
    "synonyms.edit": installation(Role.ADMINISTRATOR),
    "admin.entries": roles(Role.ADMINISTRATOR, Role.AUDITOR),
    "preservations.index": installation(Role.ADMINISTRATOR, Role.AUDITOR),
    "preservations.retry": installation(Role.ADMINISTRATOR),
    "preservations.retry_all": installation(Role.ADMINISTRATOR),
    "work_calendar.index": installation(Role.ADMINISTRATOR),
    "work_calendar.check_day": installation(Role.ADMINISTRATOR),
    "work_calendar.set_day": installation(Role.ADMINISTRATOR),
    "work_calendar.undo_day": installation(Role.ADMINISTRATOR),
    "work_calendar.check_week": installation(Role.ADMINISTRATOR),
    "work_calendar.set_week": installation(Role.ADMINISTRATOR),
    "work_calendar.undo_week": installation(Role.ADMINISTRATOR),
    "work_calendar.fill": installation(Role.ADMINISTRATOR),
    # --- registering ---
    "register.index": roles(Role.CLERK),
    "register.form": roles(Role.CLERK),
    "register.register": roles(Role.CLERK),
    "register.senders": roles(Role.CLERK),
    "register.duplicates": roles(Role.CLERK),
    "register.known_senders": roles(Role.CLERK),
    "register.done": roles(Role.CLERK),
    "outgoing.form": roles(Role.CLERK),
    "outgoing.register": roles(Role.CLERK),
    "register.label": roles(Role.CLERK),
    "register.receipt": roles(Role.CLERK),
    # --- what machines propose ---
    "proposals.of_scan": roles(Role.CLERK),
    "proposals.learning": installation(Role.ADMINISTRATOR),
    "proposals.learn": installation(Role.ADMINISTRATOR),
    # --- the letter's page ---
    "letters.show": SIGNED_IN,
    "letter_readers.index": SIGNED_IN,
    "disposals.index": roles(Role.HEAD, Role.AUTHORITY),
    "disposals.form": roles(Role.HEAD, Role.AUTHORITY),
    "disposals.propose": roles(Role.HEAD, Role.AUTHORITY),
    "disposals.show": roles(Role.HEAD, Role.AUTHORITY),
    "disposals.confirm": roles(Role.HEAD, Role.AUTHORITY),
    "disposals.refuse": roles(Role.HEAD, Role.AUTHORITY),
    "disposals.hold": roles(Role.HEAD, Role.AUTHORITY),
    "disposals.lift": roles(Role.HEAD, Role.AUTHORITY),
    "letter_exceptions.form": SIGNED_IN,
    "letter_exceptions.propose": SIGNED_IN,
    "letter_exceptions.confirm": SIGNED_IN,
    "letter_exceptions.refuse": SIGNED_IN,
    "letter_exceptions.end": SIGNED_IN,
    "letter_exceptions.set_aside": SIGNED_IN,
    "letter_exceptions.request_form": SIGNED_IN,
    "letter_exceptions.send_request": SIGNED_IN,
    "proofs.signatures": SIGNED_IN,
    "proofs.signed_revision": SIGNED_IN,
    "proofs.case": SIGNED_IN,
    "letter_files.form": SIGNED_IN,
    "letter_files.join": SIGNED_IN,
    "letters.rectify_form": SIGNED_IN,
    "letters.rectify": SIGNED_IN,
    "letters.level_form": SIGNED_IN,
    "letters.change_level": SIGNED_IN,
    "letters.agree_to_level": SIGNED_IN,
    "letters.decline_level": SIGNED_IN,
    "letters.close_form": SIGNED_IN,
    "letters.close": SIGNED_IN,
    "letters.reopen_form": SIGNED_IN,
    "letters.reopen": SIGNED_IN,
    "letters.number_form": roles(Role.CLERK),
    "letters.take_number": roles(Role.CLERK),
    "letters.void_form": roles(Role.CLERK),
    "letters.void": roles(Role.CLERK),
    "letters.link_form": SIGNED_IN,
    "letters.link": SIGNED_IN,
    # --- registers and correspondents ---
    "registers.index": SIGNED_IN,
    "registers.show": SIGNED_IN,
    "registers.pages": SIGNED_IN,
    "registers.ask_file": SIGNED_IN,
    "exports.index": SIGNED_IN,
    "exports.progress": SIGNED_IN,
    "exports.fetch": SIGNED_IN,
    "exports.cancel": SIGNED_IN,
    "open_data.index": roles(Role.AUTHORITY, Role.HEAD, Role.ADMINISTRATOR, Role.AUDITOR),
    "open_data.fetch": roles(Role.AUTHORITY, Role.HEAD, Role.ADMINISTRATOR, Role.AUDITOR),
    "open_data.publish": roles(Role.AUTHORITY, Role.HEAD, Role.ADMINISTRATOR),
    "monthly_reports.index": roles(Role.AUTHORITY, Role.HEAD, Role.ADMINISTRATOR, Role.AUDITOR),
    "monthly_reports.fetch": roles(Role.AUTHORITY, Role.HEAD),
    "monthly_reports.show": roles(Role.AUTHORITY, Role.HEAD, Role.ADMINISTRATOR, Role.AUDITOR),
    "monthly_reports.progress": roles(Role.AUTHORITY, Role.HEAD, Role.ADMINISTRATOR, Role.AUDITOR),
    "monthly_reports.prove": roles(Role.AUTHORITY, Role.HEAD, Role.ADMINISTRATOR, Role.AUDITOR),
    "monthly_reports.check_form": roles(Role.AUTHORITY, Role.HEAD, Role.ADMINISTRATOR, Role.AUDITOR),
    "monthly_reports.check": roles(Role.AUTHORITY, Role.HEAD, Role.ADMINISTRATOR, Role.AUDITOR),
    "monthly_reports.wish": roles(Role.AUTHORITY, Role.HEAD, Role.ADMINISTRATOR),
    "monthly_reports.make": roles(Role.AUTHORITY, Role.HEAD, Role.ADMINISTRATOR),
    "registers.closings": SIGNED_IN,
    "registers.closing_pdf": SIGNED_IN,
    "registers.close": roles(Role.CLERK),
    "registers.opening_form": roles(Role.CLERK),
    "registers.open_at": roles(Role.CLERK),
    "resuming.index": roles(Role.CLERK),
    "resuming.show": roles(Role.CLERK),
    "resuming.release": roles(Role.CLERK),
    "resuming.none_since": roles(Role.CLERK),
    "resuming.release_unused": roles(Role.CLERK),
    "resuming.lost": roles(Role.CLERK),
    "resuming.retake": roles(Role.CLERK),
    "reserve.index": roles(Role.CLERK),
    "reserve.make": roles(Role.CLERK),
    "reserve.find": roles(Role.CLERK),
    "reserve.show": roles(Role.CLERK),
    "reserve.pdf": roles(Role.CLERK),
    "reserve.void_form": roles(Role.CLERK),
    "reserve.void": roles(Role.CLERK),
    "reserve.sheet_page": roles(Role.CLERK),
    "reserve.keep_page": roles(Role.CLERK),
    "reserve.sheet_part": roles(Role.CLERK),
    "reserve.cells": roles(Role.CLERK),
    "reserve.drop_typing": roles(Role.CLERK),
    "takeovers.index": roles(Role.CLERK),
    "takeovers.hand_in": roles(Role.CLERK),
    "takeovers.show": roles(Role.CLERK),
    "takeovers.choose_sheet": roles(Role.CLERK),
    "takeovers.choose_columns": roles(Role.CLERK),
    "takeovers.check": roles(Role.CLERK),
    "takeovers.progress": roles(Role.CLERK),
    "takeovers.marked": roles(Role.CLERK),
    "takeovers.start": roles(Role.CLERK),
    "takeovers.pause": roles(Role.CLERK),
    "takeovers.resume": roles(Role.CLERK),
    "scan_folders.begin": roles(Role.CLERK),
    "scan_folders.show": roles(Role.CLERK),
    "scan_folders.progress": roles(Role.CLERK),
    "scan_folders.announce": roles(Role.CLERK),
    "scan_folders.receive": roles(Role.CLERK),
    "scan_folders.hand_in": roles(Role.CLERK),
    "scan_folders.pause": roles(Role.CLERK),
    "scan_folders.resume": roles(Role.CLERK),
    "scan_folders.match": roles(Role.CLERK),
    "scan_folders.drop": roles(Role.CLERK),
    "correspondents.index": SIGNED_IN,
    "correspondents.show": SIGNED_IN,
    "correspondents.new": roles(Role.CLERK),
    "correspondents.create": roles(Role.CLERK),
    "correspondents.merge_form": roles(Role.CLERK),
    "correspondents.merge": roles(Role.CLERK),
    "correspondents.undo_merge": roles(Role.CLERK),
    "correspondents.edit_form": roles(Role.CLERK),
    "correspondents.edit": roles(Role.CLERK),
    # --- the scanner bridge's API ---
    "bridge.pair": BRIDGE,
    "bridge.devices": BRIDGE,
    "bridge.order": BRIDGE,
    "bridge.order_state": BRIDGE,
    "bridge.reserve_line": BRIDGE,
    "bridge.begin_batch": BRIDGE,
    "bridge.page_held": BRIDGE,
    "bridge.put_page": BRIDGE,
    "bridge.complete_batch": BRIDGE,
    # --- waiting scans ---
    "scans.index": roles(Role.CLERK),
    "scans.progress": roles(Role.CLERK),
    "scans.order": roles(Role.CLERK),
    "scans.next_page": roles(Role.CLERK),
    "scans.keep_profile": roles(Role.CLERK),
    "scans.forget_profile": roles(Role.CLERK),
    "scans.cancel": roles(Role.CLERK),
    "scans.complete": roles(Role.CLERK),
    "scans.desks": roles(Role.CLERK, Role.ADMINISTRATOR),
    "scans.pairing_code": roles(Role.CLERK, Role.ADMINISTRATOR),
    "scans.revoke_form": roles(Role.CLERK, Role.ADMINISTRATOR),
    "scans.revoke": roles(Role.CLERK, Role.ADMINISTRATOR),
    "scans.upload": roles(Role.CLERK),
    "scans.show": roles(Role.CLERK),
    "scans.signature": roles(Role.CLERK),
    "scans.picture": roles(Role.CLERK),
    "scans.act": roles(Role.CLERK),
    "scans.reorder": roles(Role.CLERK),
    "scans.merge": roles(Role.CLERK),
    "scans.one_more_page": roles(Role.CLERK),
    "scans.join": roles(Role.CLERK),
    # --- codes on paper that wait for a person: what each names decides who (ged.paper), 404 for all others ---
    "paper.index": SIGNED_IN,
    "paper.show": SIGNED_IN,
    "paper.progress": SIGNED_IN,
    "paper.picture": SIGNED_IN,
    "paper.print_picture": SIGNED_IN,
    "paper.confirm": SIGNED_IN,
    "paper.refuse": SIGNED_IN,
    "separators.index": roles(Role.CLERK),
    "separators.make": roles(Role.CLERK),
    "separators.sheet": roles(Role.CLERK),
    "separators.withdraw": roles(Role.CLERK),
    # --- documents: the letter's own access rule decides ---
    "documents.show": SIGNED_IN,
    "documents.page_image": SIGNED_IN,
    "documents.thumbnail": SIGNED_IN,
    "documents.original": SIGNED_IN,
    "documents.original_page": SIGNED_IN,
    "documents.searchable": SIGNED_IN,
    "documents.text": SIGNED_IN,
    "documents.repair": roles(Role.CLERK),
    "documents.margin": roles(Role.CLERK),
    # --- imputation, inbox, search: the letter's own rights and the operations decide; whoever opened a sealed envelope
    # imputes what was inside, an authority or not ---
    "impute.queue": SIGNED_IN,
    "impute.form": SIGNED_IN,
    "impute.decide": SIGNED_IN,
    "impute.people": SIGNED_IN,
    "impute.batch_form": SIGNED_IN,
    "impute.decide_batch": SIGNED_IN,
    "impute.undo": SIGNED_IN,
    "impute.sheet": SIGNED_IN,
    "impute.sheet_part": SIGNED_IN,
    "inbox.index": SIGNED_IN,
    "inbox.show": SIGNED_IN,
    "inbox.take": SIGNED_IN,
    "inbox.finish": SIGNED_IN,
    "inbox.give_back": SIGNED_IN,
    "inbox.assign": SIGNED_IN,
    # --- the follow-up: each sees what the units owe that he heads, or what he gave ---
    "followup.index": roles(Role.HEAD, Role.AUTHORITY, Role.SECRETARY),
    "followup.export": roles(Role.HEAD, Role.AUTHORITY, Role.SECRETARY),
    "followup.sheet": roles(Role.HEAD, Role.AUTHORITY, Role.SECRETARY),
    "followup.remind": SIGNED_IN,
    # --- notes and questions: who may see the letter ---
    "notes.index": SIGNED_IN,
    "notes.show": SIGNED_IN,
    "notes.write": SIGNED_IN,
    "notes.answer": SIGNED_IN,
    "search.index": SIGNED_IN,
    "search.facets": SIGNED_IN,
    "search.suggest": SIGNED_IN,
    "search.similar": SIGNED_IN,
    "search.export": SIGNED_IN,
    "saved_searches.index": SIGNED_IN,
    "saved_searches.show": SIGNED_IN,
    "saved_searches.save": SIGNED_IN,
    "saved_searches.follow": SIGNED_IN,
    "saved_searches.mark_seen": SIGNED_IN,
    "saved_searches.forget": SIGNED_IN,
    # --- sealed envelopes: the addressee's post decides ---
    "envelopes.index": SIGNED_IN,
    "envelopes.new": roles(Role.CLERK),
    "envelopes.register": roles(Role.CLERK),
    "envelopes.show": SIGNED_IN,
    "envelopes.keep": SIGNED_IN,
    "envelopes.give_back": SIGNED_IN,
    "envelopes.open_it": SIGNED_IN,
    "envelopes.scan": SIGNED_IN,
    "envelopes.link": roles(Role.CLERK),
    "envelopes.void": roles(Role.CLERK),
    # --- slips: the units at both ends decide; a post of an administrator or auditor alone neither sends nor receives ---
    "to_transmit.index": SIGNED_IN,
    "to_transmit.send": SIGNED_IN,
    "to_transmit.printed": SIGNED_IN,
    "slips.index": SIGNED_IN,
    "slips.hand": SIGNED_IN,
    "slips.settle": SIGNED_IN,
    "slips.book": SIGNED_IN,
    "slips.book_pdf": SIGNED_IN,
    "slips.new": SIGNED_IN,
    "slips.create": SIGNED_IN,
    "slips.show": SIGNED_IN,
    "slips.pdf": SIGNED_IN,
    "slips.sign": SIGNED_IN,
    "slips.void": SIGNED_IN,
    "slips.receive_form": SIGNED_IN,
    "slips_reading.form": SIGNED_IN,
    "slips_reading.read": SIGNED_IN,
    "slips_reading.sign": SIGNED_IN,
    "slips.take": SIGNED_IN,
    "slips.number": roles(Role.CLERK),
    "slips.paper_form": SIGNED_IN,
    "slips.paper": SIGNED_IN,
    "slips.proof": SIGNED_IN,
    "slips.sheet_part": SIGNED_IN,
    "slips.answer_form": SIGNED_IN,
    "slips.answer": SIGNED_IN,
    # --- drafts, signature book, departures: author, circuit and mail office are checked by the operations ---
    "drafts.new": SIGNED_IN,
    "drafts.create": SIGNED_IN,
    "drafts.edit": SIGNED_IN,
    "drafts.save": SIGNED_IN,
    "drafts.keep": SIGNED_IN,
    "drafts.show_versions": SIGNED_IN,
    "drafts.give_up_copy": SIGNED_IN,
    "drafts.preview": SIGNED_IN,
    "drafts.add_annex": SIGNED_IN,
    "drafts.remove_annex": SIGNED_IN,
    "drafts.set_circuit": SIGNED_IN,
    "drafts.submit": SIGNED_IN,
    "drafts.abandon_form": SIGNED_IN,
    "drafts.abandon": SIGNED_IN,
    "word.take": SIGNED_IN,
    "word.state": SIGNED_IN,
    "word.give": SIGNED_IN,
    "word.decide": SIGNED_IN,
    "word.leave": SIGNED_IN,
    "signbook.index": SIGNED_IN,
    "presign.index": SIGNED_IN,
    "signbook.sign_selected": SIGNED_IN,
    "signbook.sign_chunk": SIGNED_IN,
    "signbook.signed": SIGNED_IN,
    "signbook.visa_selected": SIGNED_IN,
    "signbook.given": SIGNED_IN,
    "signbook.seen": SIGNED_IN,
    "signbook.show": SIGNED_IN,
    "signbook.visa": SIGNED_IN,
    "signbook.give_opinion": SIGNED_IN,
    "signbook.refuse": SIGNED_IN,
    "annotations.add": SIGNED_IN,
    "annotations.answer": SIGNED_IN,
    "annotations.resolve": SIGNED_IN,
    "signbook.recall": SIGNED_IN,
    "signbook.take_back": SIGNED_IN,
    "signbook.sign": SIGNED_IN,
    "signbook.sign_in_ink": SIGNED_IN,
    "signbook.cancel_ink": SIGNED_IN,
    "dispatch.index": roles(Role.CLERK),
    "dispatch.number": roles(Role.CLERK),
    "dispatch.original_form": roles(Role.CLERK),
    "dispatch.join_original": roles(Role.CLERK),
    "dispatch.show": SIGNED_IN,
    "dispatch.line": SIGNED_IN,
    "dispatch.leave": roles(Role.CLERK),
    "dispatch.send": roles(Role.CLERK),
    "dispatch.settle": roles(Role.CLERK),
    "dispatch.discharge": roles(Role.CLERK),
    "dispatch.proof": roles(Role.CLERK),
    "dispatch.sheet": roles(Role.CLERK),
    "dispatch_rounds.index": roles(Role.CLERK),
    "dispatch_rounds.leave": roles(Role.CLERK),
    "dispatch_rounds.done": roles(Role.CLERK),
    "dispatch_rounds.sheet": roles(Role.CLERK),
    "dispatch.book": roles(Role.CLERK),
    "dispatch.book_pdf": roles(Role.CLERK),
}


def opens(rule: Rule, actor: Actor) -> bool:
    """Whether a rule lets a person in who is signed in."""
    if isinstance(rule, OfInstallation):
        return actor.has(*rule.roles) and tree.runs_installation(actor, context.services().installation_accounts)
    return not isinstance(rule, frozenset) or actor.has(*rule)


def install(app: Flask, access: Mapping[str, Rule] = ACCESS) -> None:
    """Check each request against the list. Call after ``auth.install``, which finds the actor."""
    app.before_request(lambda: _enforce(access))


def check_complete(app: Flask, access: Mapping[str, Rule] = ACCESS) -> None:
    """Stop an application with an endpoint that is not on the list.

    Raises:
        RuntimeError: names the missing endpoints.
    """
    missing = sorted({rule.endpoint for rule in app.url_map.iter_rules()} - access.keys())
    if missing:
        raise RuntimeError(f"add to web/site/guard.py ACCESS: {', '.join(missing)}")


def endpoints_of(app: Flask, rule: Rule, access: Mapping[str, Rule] = ACCESS) -> list[str]:
    """The application's endpoints with a rule."""
    return sorted({r.endpoint for r in app.url_map.iter_rules() if access.get(r.endpoint) == rule})


def _enforce(access: Mapping[str, Rule]) -> None:
    # No page has this address: Flask answers 404 or 405 by itself, after these handlers.
    if request.endpoint is None:
        return
    rule = access[request.endpoint]
    if rule in (Access.PUBLIC, Access.BRIDGE, Access.PROVIDER, Access.PUBLISHED):
        return
    actor = context.actor()
    if not opens(rule, actor):
        if isinstance(rule, OfInstallation) and actor.has(*rule.roles):
            raise Forbidden(
                "access.not_installations", "ask who administers the installation", endpoint=request.endpoint
            )
        if actor.has(Role.ADMINISTRATOR):
            raise Forbidden(
                "access.not_administrators", "give yourself a post with the role", endpoint=request.endpoint
            )
        raise Forbidden("access.role_missing", "ask an administrator for the role", endpoint=request.endpoint)
