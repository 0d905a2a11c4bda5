"""A node of a measurement's own: in a temporary directory, started for it and removed again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from cli.context import Context, say
from infrastructure.node.lifecycle import LocalNode
from infrastructure.setup import set_up
from infrastructure.store import Store


@contextmanager
def own_node(context: Context) -> Iterator[Store]:
    """A store on a node in a temporary directory that is removed afterwards."""
    home = Path(mkdtemp(prefix="busyhour-bench-"))
    settings = context.settings.with_values(home=str(home), es_url="")
    node = LocalNode(home, settings)
    try:
        node.start(progress=say)
        store = Store.connect(settings)
        set_up(store)
        yield store
    finally:
        node.stop()
        shutil.rmtree(home, ignore_errors=True)
