"""`aisle recommend`, for a user or a whole file of them, and `aisle similar`."""

from __future__ import annotations

import click

from aisle.cli.ask.answers import print_answer
from aisle.cli.ask.options import (
    JSON,
    OUT,
    OUTPUT,
    RECENT,
    TARGET,
    K,
    check_k,
    check_one,
    options,
    read_recents,
)
from aisle.schema.errors import InputError


@click.command()
@click.argument("user", required=False)
@click.option("--users", metavar="FILE", type=click.Path(), help="One user a line, or a .csv with `user_id`.")
@click.option("--exclude-seen", is_flag=True, help="Leave out what the user had before.")
@click.option("--domain", default="", help="Only items of this domain, of a shop that has several.")
@options(RECENT, OUTPUT, K, TARGET, OUT, JSON)
def recommend(
    user: str | None,
    users: str | None,
    exclude_seen: bool,
    domain: str,
    recent: tuple[str, ...],
    output: str | None,
    k: int,
    target: str | None,
    out: str | None,
    as_json: bool,
) -> None:
    """Recommend items to USER, or to a file of users."""
    check_k(k)
    check_one("a USER", user, "--users", users, output, as_json)
    if user is not None:
        recents = read_recents(recent)
        print_answer(
            target,
            out,
            as_json,
            lambda model: (
                model.recommend(user, exclude_seen=exclude_seen, k=k, recents=recents, domain=domain),
                None,
            ),
        )
        return
    if recent:
        raise InputError("--recent goes with one USER, not with --users FILE")
    from aisle.cli.ask import batch
    from aisle.cli.ask.files import read_values

    assert users is not None and output is not None
    values = read_values(users, "user_id")
    header = ("user_id", "rank", "item_id", "score")
    steps = batch.steps(len(values))
    batch.answer_file(
        target,
        out,
        output,
        header,
        steps,
        lambda model: batch.recommend_rows(model, values, k, exclude_seen, domain),
    )


@click.command()
@click.argument("item", required=False)
@click.option(
    "--image", metavar="FILE", type=click.Path(), help="List the items that look like this picture."
)
@options(RECENT, K, TARGET, OUT, JSON)
def similar(
    item: str | None,
    image: str | None,
    recent: tuple[str, ...],
    k: int,
    target: str | None,
    out: str | None,
    as_json: bool,
) -> None:
    """List the items most like ITEM, or most like a picture."""
    check_k(k)
    if (item is None) == (image is None):
        raise InputError(f"{'both' if item else 'neither'} an ITEM and --image came; expected one of them")
    if image is None:
        recents = read_recents(recent)
        print_answer(
            target, out, as_json, lambda model: (model.similar(item or "", k=k, recents=recents), None)
        )
        return
    if recent:
        raise InputError("--recent goes with an ITEM, not with --image FILE")
    picture = _picture(image)
    print_answer(target, out, as_json, lambda model: (model.similar_by_image(picture, k=k), None))


def _picture(path: str) -> bytes:
    """A picture as a model takes it, whatever form its file has.

    Raises:
        InputError: it can't be read, or is no picture.
    """
    from aisle.schema.pictures import PictureError, encoded, read_picture

    try:
        with open(path, "rb") as file:
            return encoded(read_picture(file.read()))
    except OSError as error:
        raise InputError(f"--image {path} can't be read: {error.strerror}") from error
    except PictureError as error:
        raise InputError(f"--image {path} is no picture that can be used: {error}") from error
