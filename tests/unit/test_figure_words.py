"""Words of the pages of figures: what has none is an error, and is never called by the name of something else."""

import pytest
from flask import Flask
from flask_babel import Babel

from ged.dashboard.letters import What
from web.views.figures import dashboard, supervision
from web.words import figure_pages as words


def test_each_view_has_a_name_of_its_own_and_an_unknown_one_has_none() -> None:
    app = Flask(__name__)
    Babel(app)
    with app.test_request_context():
        for page in (dashboard.PAGE, supervision.PAGE):
            named = [words.view(name, overseen=page.overseen) for name in page.views]
            assert len(set(named)) == len(named) > 5
        with pytest.raises(ValueError, match="inconnu"):
            words.view("inconnu", overseen=False)
        with pytest.raises(ValueError, match="inconnu"):
            words.filter_name("inconnu")


def test_misdirected_papers_are_no_fault_and_the_page_of_faults_says_so() -> None:
    app = Flask(__name__)
    Babel(app, default_locale="fr")
    with app.test_request_context():
        assert "mal adressé n'y est pas" in words.definition(What.AT_FAULT).replace("\u2019", "'")
