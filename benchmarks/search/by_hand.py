"""A search as it is often put together: an embedding, exact top-k, and a cross-encoder, by ONNX Runtime in int8."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import numpy as np
import numpy.typing as npt

PIECES = 64

Floats = npt.NDArray[np.floating[Any]]


@dataclasses.dataclass(frozen=True)
class ByHand:
    """The stages.

    Attributes:
        session: BERT in int8: its inputs to the last layer's output.
        tokenizer: of transformers.
        titles: the catalogue, [n].
        embeddings: of the titles, unit length, float32 [n, d].
        weight: of the cross-encoder's layer on top, which costs the same whatever it has learnt, [d].
    """

    session: Any
    tokenizer: Any
    titles: list[str]
    embeddings: Floats
    weight: Floats

    @staticmethod
    def make(titles: list[str], embeddings: Floats, scratch: str) -> ByHand:
        """Converts and quantises the pretrained BERT."""
        import onnxruntime
        import tensorflow as tf
        import tf2onnx
        from onnxruntime.quantization import QuantType, quantize_dynamic
        from transformers import BertTokenizerFast

        from aisle.model.text.bert import load_bert
        from aisle.schema.bert.weights import bert_folder

        bert = load_bert(bert_folder())
        names = ("input_ids", "token_type_ids", "attention_mask")
        specs = [tf.TensorSpec([None, None], tf.int32, name=name) for name in names]
        function = tf.function(
            lambda *inputs: bert(**dict(zip(names, inputs, strict=True)), training=False).last_hidden_state,
            input_signature=specs,
        )
        plain, small = (str(pathlib.Path(scratch) / name) for name in ("bert.onnx", "int8.onnx"))
        tf2onnx.convert.from_function(function, specs, opset=17, output_path=plain)
        quantize_dynamic(plain, small, weight_type=QuantType.QInt8)
        session = onnxruntime.InferenceSession(small, providers=["CPUExecutionProvider"])
        tokenizer = BertTokenizerFast.from_pretrained(bert_folder())
        weight = np.asarray(np.random.default_rng(0).standard_normal((embeddings.shape[1],)), np.float32)
        return ByHand(session, tokenizer, titles, embeddings, weight)

    def _read(self, *texts: list[str]) -> tuple[Floats, Floats]:
        """The last layer [n, l, d] of texts, or of pairs, padded to the longest, and what is no padding [n, l, 1]."""
        given = self.tokenizer(*texts, padding=True, truncation=True, max_length=PIECES, return_tensors="np")
        inputs = {
            name: given[name].astype(np.int32) for name in ("input_ids", "token_type_ids", "attention_mask")
        }
        (hidden,) = self.session.run(None, inputs)
        return hidden, inputs["attention_mask"][:, :, None]

    def nearest(self, query: str, count: int) -> npt.NDArray[np.int64]:
        """The rows of the titles nearest to a query, best first."""
        hidden, mask = self._read([query])
        vector = (hidden * mask).sum(1)[0]
        cosines = self.embeddings @ (vector / np.linalg.norm(vector))
        best = np.argpartition(-cosines, count)[:count]
        return best[np.argsort(-cosines[best])]

    def rerank(self, query: str, rows: npt.NDArray[np.int64]) -> Floats:
        """The cross-encoder's score of each candidate."""
        hidden, mask = self._read([query] * len(rows), [self.titles[row] for row in rows])
        return ((hidden * mask).sum(1) / mask.sum(1)) @ self.weight

    def search(self, query: str, count: int, k: int) -> npt.NDArray[np.int64]:
        """The best k rows."""
        rows = self.nearest(query, count)
        return rows[np.argsort(-self.rerank(query, rows))[:k]]
