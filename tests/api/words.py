"""Comparing what was said with what was heard."""

import re
import unicodedata

SPOKEN = {"mr": "mister", "mrs": "missus", "dr": "doctor", "st": "saint"}


def words(text):
    """The words of `text` without case and punctuation."""
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'").replace("'", "").replace("-", " ")
    return [SPOKEN.get(word, word) for word in re.findall(r"\w+", text)]


def word_error_rate(spoken, heard):
    """Insertions, deletions and substitutions for each word of `spoken`."""
    spoken, heard = words(spoken), words(heard)
    row = list(range(len(heard) + 1))
    for i, word in enumerate(spoken, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    return row[-1] / max(1, len(spoken))
