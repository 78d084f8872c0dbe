"""The pushed model in this process: the client's questions, answered without a server."""

from __future__ import annotations

import pathlib
from typing import TypeVar

from aisle.schema.contract import Signature
from aisle.serving.client.answers import Outputs
from aisle.serving.client.errors import RequestRefused
from aisle.serving.client.inputs import Tensors
from aisle.serving.client.questions import Question
from aisle.serving.client.recommender import Recommender
from aisle.serving.releases.folders import require_version
from aisle.serving.server.loaded.tensorflow_settings import set_tensorflow

T = TypeVar("T")


class LocalModel(Recommender):
    """Answers by the newest version that loads.

    Example:
        >>> LocalModel("out/serving/aisle").search("red shirt", k=5)
    """

    def __init__(self, base: str | pathlib.Path) -> None:
        """Loads the model, which takes TensorFlow's seconds.

        Args:
            base: holds a folder for each version.

        Raises:
            InputError: `base` holds no version.
            AisleError: none of its versions loads.
        """
        require_version(pathlib.Path(base))
        set_tensorflow()
        from aisle.serving.server.loaded.versions import Versions

        self._model = Versions(base, labelled=False).current

    @property
    def version(self) -> int:
        """The number of the version that answers."""
        return self._model.version

    def ask(self, question: Question[T]) -> T:
        """See `Recommender.ask`; raises RequestRefused where another version is to answer."""
        if question.version not in (None, self.version):
            raise RequestRefused(
                f"version {question.version} is not loaded; version {self.version} answers here"
            )
        specs = self._model.specs.get(question.signature.name, question.inputs)
        if question.older is not None and not set(question.inputs) <= set(specs):
            return self.ask(question.older)
        return super().ask(question)

    def predict(self, signature: Signature, inputs: Tensors) -> Outputs:
        """See `Recommender.predict`."""
        import tensorflow as tf

        specs = self._model.specs.get(signature.name)
        if specs is None:
            raise RequestRefused(f"version {self.version} has no signature {signature.name!r}")
        if not set(specs) - set(self._model.defaults[signature.name]) <= set(inputs) <= set(specs):
            raise RequestRefused(
                f"{signature.name!r} takes {sorted(specs)}; it was asked by {sorted(inputs)}"
            )
        try:
            return Outputs(self._model.run(signature.name, inputs), self.version)
        except (tf.errors.OpError, TypeError, ValueError) as error:
            raise RequestRefused(f"{signature.name!r} failed: {str(error).splitlines()[0]}") from error
