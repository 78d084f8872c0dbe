"""BM25 over words, characters and parts of words of titles and descriptions, in plain TF ops."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
import tensorflow as tf

from aisle.model.stored import stored
from aisle.model.text.bert import Tokenizer
from aisle.model.text.lexical.names import Names
from aisle.model.text.lexical.query import QueryReader, fold_all, in_parts
from aisle.model.text.lexical.scripts import Simplifier
from aisle.model.text.lexical.terms import GRAM, Terms, Units, following, hashes_of

QUERY_UNITS = 64
ITEM_UNITS = 128
DESCRIPTION_WEIGHT = 0.2
"""Of a description's score beside the title's; chosen on judged searches."""
GRAM_WEIGHT = 0.3
"""Of a part of a word beside the word; chosen on judged searches, as _K1 is."""
HEAD_WEIGHT = 0.5
"""Of the end of a title's compound beside what it consists of."""
HEAD_LENGTH = 3
"""Characters of a query that is taken for one noun, so that its end is looked for as an end."""
CHARACTER_WEIGHT = 0.5
"""Of a character that is part of a pair beside the pair."""
LEAST = 0.3
"""An item that has none of a query's words is found by no less than such a share of all parts of them."""
_K1, _B = 0.3, 0.75
_AT_ONCE = 4096


class BM25(tf.Module):
    """Okapi BM25 (Robertson and Zaragoza, 2009) as postings: for each term, items and weights.

    Terms are words, numbers and characters (see Units), pairs of those that adjoin, and parts of words. What the
    catalogue lacks is no term: it finds nothing.

    Example:
        >>> bm25 = BM25(["red mug", "blue mug", "mini fridge"])
        >>> scores = bm25(tf.constant(["red mug"]))[0]
        >>> bool(scores[0] > scores[1] > scores[2] == 0)
        True
    """

    def __init__(self, titles: Sequence[str], descriptions: Sequence[str] = ()) -> None:
        """Weighs each term of each item.

        Args:
            titles: the catalogue's texts, folded, [n].
            descriptions: more of each item's text, scored apart and added with DESCRIPTION_WEIGHT, [n].
        """
        super().__init__()
        self._count = len(titles)
        fields = [_Field(titles, 1.0, headed=True)]
        if descriptions:
            fields.append(_Field(descriptions, DESCRIPTION_WEIGHT, headed=False))
        hashes, place = np.unique(np.concatenate([field.hashes for field in fields]), return_inverse=True)
        weights = sp.csr_matrix((len(hashes), len(titles)))
        start = 0
        for field in fields:
            weights += field.weights(place[start : start + len(field.hashes)], len(hashes))
            start += len(field.hashes)
        # -1, which is no hash, stands before all, so that there is always one to compare with; it has no items.
        self._hashes = stored(np.concatenate([[-1], hashes]), tf.int64)
        self._splits = tf.constant(np.concatenate([[0], weights.indptr]), tf.int64)
        self._items = stored(weights.indices, tf.int32)
        self._weights = stored(weights.data)
        mean = np.asarray(weights.sum(1)).ravel() / np.maximum(np.diff(weights.indptr), 1)
        unknown = GRAM_WEIGHT * _rarity(len(titles), np.zeros(1))
        self._worth = stored(np.concatenate([unknown, mean]))

    def __call__(self, query: tf.Tensor) -> tf.Tensor:
        """Scores every item for each folded query: string [b] to float32 [b, n]."""
        return self.scored(query)[0]

    def scored(self, query: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """As `__call__`, and whether an item's title ends in what a query of one noun names, 手机 but not 手机壳.

        Returns:
            float32 [b, n] and bool [b, n].
        """
        batch = tf.shape(query, tf.int64)[0]
        units = self._parted(Units.of(query, QUERY_UNITS))
        words, pairs, heads, grams = units.terms(), units.pairs(), units.heads(HEAD_LENGTH), units.grams()
        word, pair, head, gram = (self._look_up(terms.hashes) for terms in (words, pairs, heads, grams))
        pair = tf.where(units.adjoins, pair, 0)
        whole, part = _chosen(units, word, pair, batch)
        # What finds an item stands first, behind it what adds to its score.
        added = tf.concat([tf.gather(words.owner, part), heads.owner, grams.owner], 0)
        apart = tf.repeat([1, 2, 1], [tf.size(part), tf.size(heads.owner), tf.size(grams.owner)])
        behind = added + tf.cast(apart, tf.int64) * batch
        owner = tf.concat([tf.gather(words.owner, whole), pairs.owner, behind], 0)
        place = tf.concat([tf.gather(word, whole), pair, tf.gather(word, part), head, gram], 0)
        share = tf.tensor_scatter_nd_update(
            tf.ones_like(place, tf.float32),
            (tf.size(whole) + tf.size(pair) + tf.range(tf.size(part)))[:, None],
            tf.fill([tf.size(part)], CHARACTER_WEIGHT),
        )
        postings = tf.RaggedTensor.from_row_splits
        items = tf.gather(postings(self._items, self._splits, validate=False), place)
        weights = tf.gather(postings(self._weights, self._splits, validate=False), place)
        row = items.value_rowids()
        item = tf.gather(owner, row) * self._count + tf.cast(items.values, tf.int64)
        values = weights.values * tf.gather(share, row)
        flat = tf.math.unsorted_segment_sum(values, item, 3 * batch * self._count)
        main, more, ends = tf.unstack(tf.reshape(flat, [3, batch, self._count]))
        # Single characters find nothing by themselves, however many meet.
        nothing = tf.fill([tf.size(part) + tf.size(head)], np.inf)
        worth = tf.concat([nothing, tf.gather(self._worth, gram)], 0)
        enough = LEAST * tf.math.unsorted_segment_sum(worth, added, batch)
        return tf.where((main > 0) | (more >= enough[:, None]), main + more + ends, 0.0), ends > 0

    def _parted(self, units: Units) -> Units:
        """Parts a word that the catalogue lacks into two that it has: `redmug`, or the `gu` of `16gu盘`.

        Halves of fewer than GRAM letters stand only beside what adjoins the word: the rest is too often chance.
        """
        odd = ~units.character & (self._look_up(units.terms().hashes) == 0)
        odd &= ~tf.strings.regex_full_match(units.text, r"\p{N}+")
        where = tf.where(odd)[:, 0]
        # Most queries have none, and are spared the time.
        return Units(
            *tf.cond(
                tf.size(where) > 0,
                lambda: units.cut_again(self._with_halves(units, where)).tensors(),
                units.tensors,
            )
        )

    def _with_halves(self, units: Units, where: tf.Tensor) -> tf.Tensor:
        """The texts of units, a space put in those at `where`, int64 [o], that are two known words: string [u]."""
        words = tf.gather(units.text, where)
        length = tf.strings.length(words, "UTF8_CHAR")
        cuts = tf.ragged.range(tf.ones_like(length), length)
        of, cut = cuts.value_rowids(), cuts.values
        word, rest = tf.gather(words, of), tf.gather(length, of) - cut
        left = tf.strings.substr(word, tf.zeros_like(cut), cut, "UTF8_CHAR")
        right = tf.strings.substr(word, cut, rest, "UTF8_CHAR")
        before = tf.gather(tf.gather(units.adjoins, where), of)
        after = tf.gather(tf.gather(following(units.adjoins), where), of)
        found = tf.minimum(self._often(left), self._often(right))
        found = tf.where(((cut >= GRAM) | before) & ((rest >= GRAM) | after), found, 0)
        most = tf.math.unsorted_segment_max(found, of, tf.size(words))
        best = tf.where((found > 0) & (found == tf.gather(most, of)))[:, 0]
        spaced = tf.strings.join([tf.gather(left, best), tf.gather(right, best)], " ")
        place = tf.gather(where, tf.gather(of, best))
        return tf.tensor_scatter_nd_update(units.text, place[:, None], spaced)

    def _often(self, words: tf.Tensor) -> tf.Tensor:
        """How many items have each word: string [m] to int64 [m]."""
        place = self._look_up(hashes_of(words))
        return tf.gather(self._splits, place + 1) - tf.gather(self._splits, place)

    def _look_up(self, hashes: tf.Tensor) -> tf.Tensor:
        """The place of each term by its hash, 0 for an unknown one: int64 [t] to int32 [t]."""
        place = tf.searchsorted(self._hashes, hashes, side="right") - 1
        return tf.where(tf.gather(self._hashes, place) == hashes, place, 0)


def _chosen(
    units: Units, words: tf.Tensor, pairs: tf.Tensor, batch: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """The units that find items, and those that only add to what is found: int64 [c], [a].

    A character alone says little: it finds items where it stands alone, or where the catalogue has none of its pairs but
    something else of the query. `words`, `pairs`: the places of the units and of their pairs, int32 [u].
    """
    paired = pairs > 0
    known = paired | (~units.character & (words > 0))
    anything = tf.math.unsorted_segment_max(tf.cast(known, tf.int32), units.owner, batch) > 0
    anything = tf.gather(anything, units.owner)
    covered = paired | following(paired)
    alone = ~(units.adjoins | following(units.adjoins))
    finds = ~units.character | alone | (~covered & anything)
    return tf.where(finds)[:, 0], tf.where(~finds & anything)[:, 0]


class TextSearch(tf.Module):
    """The catalogue by its texts: reads a query as the catalogue spells it, and scores every item for it.

    Example:
        >>> text = TextSearch(Tokenizer(bert), ["red mug", "mini fridges"], ["", ""])
        >>> query = text.read(tf.constant(["Fridge"]))
        >>> (text.scores(query) > 0).numpy().tolist()
        [[False, True]]
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        titles: Sequence[str],
        descriptions: Sequence[str],
        ids: Sequence[str] = (),
    ) -> None:
        """Args: `tokenizer`: of BERT. `titles`, `descriptions`, `ids`: of the catalogue, [n]."""
        super().__init__()
        self.read = QueryReader(titles, descriptions, tokenizer.words, ids)
        self._simplify = Simplifier([*titles, *descriptions])
        texts = [fold_all(field) for field in (titles, descriptions)]
        self.named = Names(fold_all(ids), texts[0])
        self._bm25 = BM25(*(self._all_terms(field) for field in texts))

    def scores(self, query: tf.Tensor) -> tf.Tensor:
        """Scores every item for queries that were read: string [b] to float32 [b, n]."""
        return self.scored(query)[0]

    def scored(self, query: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """As `scores`, and which items' titles end in the noun that a query is; see BM25."""
        return self._bm25.scored(self._simplify(self.read.stems(query)))

    def _all_terms(self, folded: Sequence[str]) -> list[str]:
        """Folded texts as the index spells them."""
        return in_parts(lambda text: self._simplify(self.read.stems(text)), folded)


class _Field:
    """The terms of a field of every item: the hash, the item and the weight of each; of titles alone their ends, too."""

    def __init__(self, texts: Sequence[str], weight: float, headed: bool) -> None:
        parts = [
            self._cut(texts[start : start + _AT_ONCE], start, headed)
            for start in range(0, len(texts), _AT_ONCE)
        ]
        self.hashes, self._owners, self._kinds = (np.concatenate(part) for part in zip(*parts, strict=True))
        self._lengths = np.bincount(self._owners[self._kinds == 0], minlength=len(texts))
        self._weight = weight

    @staticmethod
    def _cut(texts: Sequence[str], start: int, headed: bool) -> tuple[np.ndarray, ...]:
        """The hash, the item and the kind (0 unit, 1 pair, 2 part of a word, 3 end of a compound) of each term of some texts."""
        units = Units.of(tf.constant(texts, tf.string, [len(texts)]), ITEM_UNITS)
        adjoins = units.adjoins.numpy()
        pairs = units.pairs()
        joined = Terms(pairs.owner.numpy()[adjoins], pairs.hashes.numpy()[adjoins])
        kinds = [units.terms(), joined, units.grams(), *([units.heads()] if headed else [])]
        return (
            np.concatenate([np.asarray(terms.hashes) for terms in kinds]),
            np.concatenate([np.asarray(terms.owner) for terms in kinds]) + start,
            np.repeat(np.arange(len(kinds)), [len(terms.hashes) for terms in kinds]),
        )

    def weights(self, place: np.ndarray, size: int) -> sp.csr_matrix:
        """BM25's weight of each of `size` terms in each item; `place` is each found term's: [size, n]."""
        count = len(self._lengths)
        counts = sp.coo_matrix((np.ones(len(place)), (place, self._owners)), (size, count)).tocsr()
        kind = np.zeros(size)
        kind[place] = np.array([1.0, 1.0, GRAM_WEIGHT, HEAD_WEIGHT])[self._kinds] * self._weight
        lengths = np.maximum(self._lengths, 1.0)
        entries = counts.tocoo()
        norm = _K1 * (1 - _B + _B * lengths[entries.col] / lengths.mean())
        rarity = kind * _rarity(count, counts.getnnz(1))
        data = rarity[entries.row] * entries.data * (_K1 + 1) / (entries.data + norm)
        return sp.csr_matrix((data, (entries.row, entries.col)), counts.shape)


def _rarity(count: int, found: np.ndarray) -> np.ndarray:
    """The inverse document frequency of terms that so many of `count` items have."""
    return np.log1p((count - found + 0.5) / (found + 0.5))
