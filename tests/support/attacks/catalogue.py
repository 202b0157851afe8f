"""All attacks, in the order of their groups."""

from tests.support.attacks.crowds import CROWDS
from tests.support.attacks.documents import DOCUMENTS
from tests.support.attacks.heads import HEADS
from tests.support.attacks.pictures import PICTURES
from tests.support.attacks.sending import Attack
from tests.support.attacks.texts import TEXTS
from tests.support.attacks.uploads import UPLOADS
from tests.support.attacks.zips import ZIPS

ATTACKS: list[Attack] = [*TEXTS, *PICTURES, *DOCUMENTS, *HEADS, *CROWDS, *ZIPS, *UPLOADS]

GROUPS: dict[str, str] = {
    "S1": "texts that are slow to search",
    "S2": "pictures that are slow to decode",
    "S3": "JSON that takes much memory",
    "S4": "heads without end",
    "S5": "many open bodies and connections",
    "S6": "zips of very many or very large entries",
    "S7": "25 uploads of one user at once",
}
"""A description of each group."""
