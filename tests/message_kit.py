"""E-mails for tests."""

from __future__ import annotations

from email.message import EmailMessage


def mail(
    subject: str = "Demande de branchement", text: str | None = "Bonjour,\nveuillez trouver ma demande."
) -> EmailMessage:
    """An e-mail from a town hall to the ministry. With ``text`` None it has no body yet."""
    message = EmailMessage()
    message["From"] = "Mairie de Tsévié <mairie@tsevie.tg>"
    message["To"] = "courrier@mines.gouv.tg"
    message["Subject"] = subject
    message["Date"] = "Tue, 24 Nov 2026 09:12:00 +0000"
    message["Message-ID"] = "<1@tsevie.tg>"
    if text is not None:
        message.set_content(text)
    return message
