"""The names that browsers give themselves, as people read them."""

import pytest

from web.site.devices import device_words

GECKO = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) {}"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (GECKO.format("X11; Linux x86_64", "HeadlessChrome/156.0.0.0 Safari/537.36"), "Chrome, Linux"),
        (GECKO.format("Linux; Android 14; K", "Chrome/130.0 Mobile Safari/537.36"), "Chrome, Android"),
        (
            GECKO.format("Linux; Android 14; K", "SamsungBrowser/25.0 Chrome/121.0 Safari/537.36"),
            "Samsung Internet, Android",
        ),
        (GECKO.format("Windows NT 10.0; Win64; x64", "Chrome/130.0 Safari/537.36 Edg/130.0"), "Edge, Windows"),
        (GECKO.format("iPhone; CPU iPhone OS 17_5 like Mac OS X", "Version/17.5 Safari/604.1"), "Safari, iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox, Windows"),
        ("python-httpx/0.28.1", "python-httpx/0.28.1"),
        ("", ""),
    ],
)
def test_a_browser_is_named_in_two_words(agent: str, words: str) -> None:
    assert device_words(agent) == words
