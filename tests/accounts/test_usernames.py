"""Usernames: which ones are valid, and which two are the same."""

from __future__ import annotations

import pytest

from auth_api.accounts.reserved_names import require_unreserved
from auth_api.accounts.usernames import (
    MAX_LENGTH,
    MIN_LENGTH,
    display_form,
    email_key,
    username_key,
)
from auth_api.errors import BadRequest

RAM = "\u0930\u093e\u092e"


@pytest.mark.parametrize(
    "username",
    [
        "abc",
        "a" * MAX_LENGTH,
        "Asha",
        "a.b_c-d",
        "-a-",
        "x00",
        "007a",
        RAM,
        "\u0915\u0943\u0937\u094d\u0923",  # krishna
        "\u0936\u094d\u0930\u0940",  # shri
        "\u0938\u0902\u0938\u094d\u0915\u0943\u0924",  # samskrta, with an anusvara
        "\u091a\u093e\u0901\u0926",  # chand, with a candrabindu
        "\u0926\u0941\u0903\u0916",  # duhkha, with a visarga
        "\u0906\u0936\u093e",  # asha, with an independent vowel
        "\u091c\u093c\u092e\u0940\u0928",  # zamin, with a nukta
        f"{RAM}_\u0936\u094d\u0930\u0940-7",
        f"{RAM}\u0967\u0968",
        f"\u0967{RAM}",
    ],
)
def test_a_username_of_one_script_is_valid(username: str) -> None:
    assert username_key(username) == username_key(username.upper())
    assert display_form(username)


@pytest.mark.parametrize(
    "username",
    [
        "",
        "ab",
        "a" * (MAX_LENGTH + 1),
        "\ufdfa" * 2,  # one character that stands for eighteen
        "123",
        "...",
        "1-2-3",
        "\u0967\u0968\u0969",
        "two words",
        " abc",
        "abc ",
        "abc\n",
        "abc\t",
        "a\x00c",
        "a/b",
        "a\\b",
        "a@b",
        "a\uff20b",  # a full-width @
        "a+b",
        "a:b",
        "a'b",
        "<b>",
        "caf\u00e9",
        "cafe\u0301",
        "\u0130bo",  # a dotted capital I, which folds to two characters
        "na\u0131ve",  # a dotless i
        "\u0430dmin",  # a Cyrillic a
        "\u0391sha",  # a Greek Alpha
        "\u13aasha",  # a Cherokee Go, which looks like an A
        "ad\u200bmin",  # a zero width space
        "ad\u200dmin",  # a zero width joiner
        "ad\u00admin",  # a soft hyphen
        "ad\u034fmin",  # a combining grapheme joiner
        "ad\u2060min",  # a word joiner
        "\ufeffadmin",
        "\u202enimda",  # written from right to left
        "admin\u0305",  # a line above
        "admin\ufe0f",  # a variation selector
        "a\U000e0061bc",  # an invisible tag
        "\ud800abc",
        "\U0001f600\U0001f600\U0001f600",
        "abc\U0001f600",
        f"abc{RAM}",
        f"{RAM}x",
        "\u0995\u09be\u09ae",  # Bengali
        "\u0a30\u0a3e\u0a2e",  # Gurmukhi
    ],
)
def test_a_short_long_or_mixed_script_username_is_refused(username: str) -> None:
    with pytest.raises(BadRequest, match=r"^username: must "):
        username_key(username)


@pytest.mark.parametrize(
    "username",
    [
        "\u093e\u0930\u092e",  # begins with a vowel sign
        f"1\u093e{RAM}",  # a vowel sign on a digit
        f"{RAM}_\u0902",  # a nasal sign on a line
        "\u0930\u093e\u093e\u092e",  # the same vowel sign twice
        "\u0930\u093f\u0940\u092e",  # two vowel signs
        "\u0930\u0947\u093e\u092e",  # e and aa, which look like o
        "\u0905\u093e\u092e\u0930",  # a and aa, which look like the letter aa
        "\u0905\u0947\u092e\u0930",  # a and e
        "\u090f\u0947\u0915\u0930",  # e and e, which look like ai
        "\u0905\u0949\u092e\u0930",
        "\u0915\u094d\u094d\u0937\u092e",  # two viramas
        "\u0915\u094d\u093e\u092e\u0930",  # a vowel sign after a virama
        "\u0915\u0902\u0902\u092e\u0930",  # two anusvaras
        "\u0915\u0902\u093e\u092e\u0930",  # a vowel sign after an anusvara
        "\u0915\u093c\u093c\u092e\u0930",  # two nuktas
        "\u0915\u093e\u093c\u092e\u0930",  # a nukta after a vowel sign
        "\u0958\u093c\u092e\u0930",  # qa, and one more nukta
        "\u0929\u093c\u092e\u0930",  # nnna, and one more nukta: drawn over the first
        "\u0928\u093c\u093c\u092e\u0930",
        "\u0931\u093c\u092e\u0930",
        "\u0934\u093c\u092e\u0930",
        "\u0905\u093c\u092e\u0930",  # a nukta on a vowel
        "\u0930\u200d\u092e\u092e",  # joiners
        "\u0930\u200c\u092e\u092e",
        f"{RAM}\u0951",  # a Vedic accent
        f"{RAM}\u0964",  # a full stop
        f"{RAM}\u0970",  # an abbreviation sign
        f"\u0950{RAM}",  # om
    ],
)
def test_marks_that_draw_a_letter_in_a_second_way_are_refused(username: str) -> None:
    with pytest.raises(BadRequest, match="must be letters"):
        username_key(username)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Maya", "mAYA"),
        ("maya", "\uff2d\uff41\uff59\uff41"),  # full width
        ("maya", "\U0001d426\U0001d41a\U0001d432\U0001d41a"),  # bold, of mathematics
        ("maya", "\u24dc\u24d0\u24e8\u24d0"),  # in circles
        ("kelvin", "\u212aelvin"),  # the sign of the unit
        ("masse", "ma\u017f\u017fe"),  # long s
        ("strasse", "stra\u00dfe"),
        ("filip", "\ufb01lip"),  # a ligature
        ("ravi2", "ravi\u00b2"),
        ("ravi12", "ravi\u0967\u0968"),
        (f"{RAM}\u0967", f"{RAM}1"),
        (f"{RAM}1", f"{RAM}\uff11"),
        ("\u095b\u092e\u0940\u0928", "\u091c\u093c\u092e\u0940\u0928"),  # za, composed or not
        ("\u0958\u0932\u092e", "\u0915\u093c\u0932\u092e"),
        ("\u0929\u092e\u0930", "\u0928\u093c\u092e\u0930"),
    ],
)
def test_two_ways_to_write_a_username_have_the_same_key(first: str, second: str) -> None:
    assert username_key(first) == username_key(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("maya", "maja"),
        ("maya", "may.a"),
        ("ma.ya", "ma_ya"),
        ("maya1", "maya2"),
        (RAM, "\u0930\u092e\u093e"),
        ("\u0915\u093f\u0932", "\u0915\u0940\u0932"),  # i, ii
        ("\u0938\u0902\u0924", "\u0938\u0924\u0924"),
        ("\u0915\u0932\u092e", "\u0915\u093c\u0932\u092e"),  # ka, qa
    ],
)
def test_different_usernames_have_different_keys(first: str, second: str) -> None:
    assert username_key(first) != username_key(second)


@pytest.mark.parametrize(
    "username",
    [
        *("admin", "ADMIN", "Administrator", "root", "support", "Ranjana", "system", "help"),
        *("security", "moderator", "staff", "Team", "official", "no-reply", "web.master"),
        *("4dmin", "adm1n", "admln", "R00T", "5upp0rt", "sy57em", "r4nj4na", "5taff", "he1p"),
        *("adrnin", "aclmin", "a.d-m_i.n", "-admin-", "_root", "super.admin", "sys_admin"),
        *("admin1", "admin.2024", "1admin", "4dmin7", "admins", "moderators", "root\u0967"),
        *("ranjana.support", "RanjanaTeam", "support_ranjana", "the-admin", "the.real.ranjana"),
        *(
            "\uff41\uff44\uff4d\uff49\uff4e",
            "\u24d0\u24d3\u24dc\u24d8\u24dd",
        ),  # full width, circles
        "\u092a\u094d\u0930\u0936\u093e\u0938\u0915",  # prashasak, administrator
        "\u0930\u091e\u094d\u091c\u0928\u093e",  # ranjana
    ],
)
def test_a_username_that_looks_official_is_reserved(username: str) -> None:
    assert username_key(username)
    with pytest.raises(BadRequest, match=r"^username: is reserved"):
        require_unreserved(username)


@pytest.mark.parametrize(
    "username",
    [
        *("asha", "maya1", "ravi.root", "Rooty", "falstaff", "stafford", "systema", "helpful"),
        *("modesty", "supportive", "theadora", "adam", "teamo", "rana", "anjana", "myra", "007a"),
        *("ranjana7", "ranjana5", "Ranjana.1995", "ranjana.sharma", "ranjana_s", RAM),
    ],
)
def test_a_username_that_only_contains_an_official_word_is_free(username: str) -> None:
    require_unreserved(username)


@pytest.mark.parametrize("username", ["Maya", f"{RAM}\u0967", "\uff2d\uff41\uff59\uff41", "a.b"])
def test_a_key_is_stable_and_belongs_to_the_displayed_username(username: str) -> None:
    key = username_key(username)
    assert username_key(key) == key
    assert username_key(display_form(username)) == key


def test_a_displayed_username_keeps_case_and_digits_in_plain_letters() -> None:
    assert display_form("MaYa") == "MaYa"
    assert display_form(f"{RAM}\u0967") == f"{RAM}\u0967"
    assert display_form("\uff2d\uff41\uff59\uff41") == "Maya"


def test_a_username_may_consist_of_any_single_letter() -> None:
    letters = [*range(0x0904, 0x093A), *range(0x0958, 0x0962), *range(0x0972, 0x0980)]
    refused = []
    for letter in letters:
        try:
            username_key(MIN_LENGTH * chr(letter))
        except BadRequest:
            refused.append(f"U+{letter:04X}")
    assert refused == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a@example.org", "A@EXAMPLE.ORG"),
        ("stra\u00dfe@example.org", "STRASSE@example.org"),
        ("jose\u0301@example.org", "jos\u00e9@example.org"),
    ],
)
def test_two_ways_to_write_an_address_have_the_same_key(first: str, second: str) -> None:
    assert email_key(first) == email_key(second)
