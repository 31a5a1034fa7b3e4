"""Translations and templates: the same keys, the same placeholders, nothing unescaped."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path
from typing import Any

import pytest

from wsgi_app.text.html import Html, Template, escape
from wsgi_app.text.messages import plural_category

PACKAGE = Path(__file__).parents[2] / "wsgi_app"
TRANSLATIONS = sorted((PACKAGE / "translations").glob("*.json"))
TEMPLATES = sorted((PACKAGE / "templates").glob("*.html"))
SOURCES = sorted(PACKAGE.rglob("*.py"))


def catalogue(file: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return loaded


ENGLISH = catalogue(PACKAGE / "translations" / "en.json")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def plural_categories(language: str) -> set[str]:
    """Return the plural forms that a text of a language has."""
    return {plural_category(language, number) for number in range(200)}


@pytest.mark.parametrize("file", TRANSLATIONS, ids=lambda file: file.stem)
def test_a_translation_has_every_key_and_placeholder(file: Path) -> None:
    texts = catalogue(file)
    assert list(texts) == list(ENGLISH)
    for key, english in ENGLISH.items():
        assert type(texts[key]) is type(english), key
        if isinstance(english, str):
            assert placeholders(texts[key]) == placeholders(english), key
            assert texts[key].strip() == texts[key] != "", key
        elif isinstance(english, list):
            assert shape(texts[key]) == shape(english), key
        elif key == "rhythms":
            assert list(texts[key]) == list(english)
        else:
            assert set(texts[key]) == plural_categories(file.stem) | {"other"}, key
            for number, text in texts[key].items():
                wanted = placeholders(english["other"])
                # A form of one number may say "every week" without its 1.
                spoken_for = {"number", "last"} if number in ("zero", "one", "two") else set()
                assert wanted - spoken_for <= placeholders(text) <= wanted, key


def test_plural_forms_go_by_the_rules_of_each_language() -> None:
    def forms(language: str, *numbers: int) -> list[str]:
        return [plural_category(language, number) for number in numbers]

    assert forms("en", 0, 1, 2, 101) == ["other", "one", "other", "other"]
    assert forms("fr", 0, 1, 2) == ["one", "one", "other"]
    assert forms("pl", 1, 2, 4, 5, 11, 12, 14, 21, 22, 25, 112) == [
        "one", "few", "few", "many", "many", "many", "many", "many", "few", "many", "many",
    ]  # fmt: skip
    assert forms("ar", 0, 1, 2, 3, 10, 11, 99, 100, 102, 103, 111) == [
        "zero", "one", "two", "few", "few", "many", "many", "other", "other", "few", "many",
    ]  # fmt: skip


def shape(texts: list[Any]) -> list[int]:
    return [len(text) if isinstance(text, list) else 0 for text in texts]


def used_keys() -> set[str]:
    used = set()
    for file in TEMPLATES:
        used |= set(re.findall(r"\$\{t\.(\w+)\}", file.read_text("utf-8")))
    source = "\n".join(file.read_text("utf-8") for file in SOURCES)
    return used | {key for key in ENGLISH if re.search(f"[\"']{key}[\"']", source)}


def test_every_text_is_used_and_every_used_text_is_there() -> None:
    used = used_keys()
    assert used <= set(ENGLISH)
    computed = {key for key in ENGLISH if re.match(r"field_|notice_|calendar_|state_", key)}
    titles = {key for key in ENGLISH if re.match("problem_.*_(title|api)$", key)}
    assert set(ENGLISH) == used | computed | titles


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_a_template_puts_values_only_where_escaping_suffices(file: Path) -> None:
    template = file.read_text("utf-8")
    assert Template(template).is_valid()
    assert not re.search(r"<(style|script)[^>]*>[^<]*\$", template), "value in script or style"
    assert not re.search(r"\son\w+\s*=", template), "event attribute"
    assert not re.search(r"\sstyle\s*=", template), "style attribute"
    assert not re.search(r"=\s*\$", template), "unquoted attribute"
    for name in re.findall(r'(?:href|src|action)="\$\{?([\w.]+)', template):
        assert name.endswith("_url"), name
    for value in re.findall(r'(?:href|src|action)="([^"]*)"', template):
        assert value.startswith("$"), value


def test_no_page_asks_anything_of_another_site() -> None:
    for file in [*TEMPLATES, *(PACKAGE / "static").glob("*")]:
        text = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text, file
        assert "https:" not in text, file
        assert "url(" not in text, file


def test_escaping() -> None:
    assert escape("<a href='x'>&\"") == "&lt;a href=&#x27;x&#x27;&gt;&amp;&quot;"
    assert escape(Html("<b>")) == "<b>"
    assert escape("a\x00b\x1b") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"
    template = Template("$name ${t.key}$$")
    assert template.render({"key": "<&>"}, name="$x ${t.key}") == "$x ${t.key} &lt;&amp;&gt;$"
    with pytest.raises(KeyError):
        template.render({}, name="x")
