"""What the reading of pictures may be told."""

from __future__ import annotations

from typing import Literal

from aisle.schema.options import Options


class PictureOptions(Options):
    """Whether a run reads the pictures of items.

    Attributes:
        use: `auto` reads them where the items have the column `image` and the encoder is installed; `never`; `always`, which
            a pipeline that is compiled for elsewhere needs.
    """

    use: Literal["auto", "always", "never"] = "auto"
