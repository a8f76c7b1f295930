"""The people of ``bench.load``, as Locust runs them in a process of its own (it patches the standard library).

Environment: ``GED_LOAD`` is a JSON object: ``password``, ``pages`` (account -> addresses), ``pace_s`` (the pause of a person
between two requests; 0: none).
"""

import json
import os
import random
import re

from locust import HttpUser, constant, task

from demo.client import read_page

LOAD = json.loads(os.environ["GED_LOAD"])
WEIGHTS = {"bo.agent": 4, "dge.chef": 3, "dge.etudes": 3, "sg": 1, "sg.secretariat": 1, "admin": 1}
REGISTERS, SEARCHES = 0.05, 0.08
"""The shares of the requests that register a letter, and that search."""
WORDS = ("demande", "rapport", "raccordement", "electricite", "permis", "audience", "budget", "convention")


def error_of(page: str) -> str:
    """What a page says of its errors, for the list of failures."""
    found = re.search(r"error-summary.*?</(?:div|section)>", page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", found[0] if found else page[:2000]).split())[:300]


class Civilian(HttpUser):
    """A person who is signed in, opens the pages of the role, searches, and, as a clerk, registers letters."""

    wait_time = constant(LOAD["pace_s"])

    def on_start(self) -> None:
        """Sign in."""
        self.account = random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        form = read_page(self.client.get("/connexion", name="sign in")).form("connexion")
        fields = form.fields | {"account": [self.account], "password": [LOAD["password"]]}
        with self.client.post("/connexion", fields, name="sign in", catch_response=True) as answer:
            if "/connexion" in answer.url:
                answer.failure("not signed in")

    @task
    def work(self) -> None:
        """One request, or the two of a registration."""
        chance = random.random()
        if self.account == "bo.agent" and chance < REGISTERS * 3:  # a third of the people are clerks
            self.register()
        elif chance > 1 - SEARCHES:
            self.client.get("/recherche", params={"q": " ".join(random.sample(WORDS, 2))}, name="search")
        else:
            address = random.choice(LOAD["pages"][self.account])
            self.client.get(address, name="page")

    def register(self) -> None:
        """Open the form and send it."""
        form = read_page(self.client.get("/enregistrer/", name="page")).form("/enregistrer")
        authority = next(value for value, _ in form.choices["addressed_post_id"] if value)
        fields = form.fields | {
            "addressed_post_id": [authority], "sender_name": ["Préfecture de Yoto"],
            "subject": [f"Charge {random.randrange(10**9)}"],
        }  # fmt: skip
        with self.client.post("/enregistrer/", fields, name="register", catch_response=True) as answer:
            if "/enregistre" not in answer.url or answer.url.endswith("/enregistrer/"):
                answer.failure(f"not registered: {answer.status_code} {answer.url} {error_of(answer.text)}")
