"""What of a review is read: in TF ops, so that training and the served graph read the same."""

from __future__ import annotations

import tensorflow as tf
import tensorflow_text as tf_text

from aisle.model.text.bert import MAX_CHARACTERS

_MARKUP = r"(?is)<(?:script|style)\b[^>]*>.*?</(?:script|style)\s*>|<!--.*?-->|</?[a-z][^<>]{0,500}>"
_ENTITY = r"&(?:#\d{1,7}|#x[0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});"
_MARKUP_READ = 10 * MAX_CHARACTERS
"""Bytes of a text in which markup is looked for; a text of 1 MB costs no more."""


def plain(text: tf.Tensor) -> tf.Tensor:
    """Reviews as they are read: string [n] to string [n].

    HTML is left out, forms of a character are made one (NFKC), case is folded, blanks are one space each, and no more than
    MAX_CHARACTERS are left.

    Example:
        >>> plain(tf.constant(["<p>GOOD&nbsp; ｍｕｇ</p>"])).numpy()[0].decode()
        'good mug'
    """
    text = tf.strings.unicode_transcode(tf.strings.substr(text, 0, _MARKUP_READ), "UTF-8", "UTF-8")
    text = tf.strings.regex_replace(tf.strings.regex_replace(text, _MARKUP, " "), _ENTITY, " ")
    text = tf_text.case_fold_utf8(tf_text.normalize_utf8(text, "NFKC"))
    text = tf.strings.strip(tf.strings.regex_replace(text, r"[\s\p{Z}\p{C}]+", " "))
    return tf.strings.substr(text, 0, MAX_CHARACTERS, unit="UTF8_CHAR")
