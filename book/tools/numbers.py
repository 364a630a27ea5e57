"""An extension of Sphinx: the title of a page begins with its number.

Pages and tables name each other by the number in the name of the file, such as page 18. So the
contents at the side need it, too.
"""

import re
from typing import Any

from docutils import nodes


def number(app: Any, page: nodes.document) -> None:
    """Put the number of a page before its title, which is translated by now."""
    found = re.match(r"notebooks/(\d+)_", app.env.docname)
    title = page.next_node(nodes.title)
    if found and title is not None:
        title.insert(0, nodes.Text(f"{int(found[1])} · "))


def setup(app: Any) -> dict[str, Any]:
    """Let Sphinx number a page before it collects the titles."""
    app.connect("doctree-read", number, priority=400)
    return {"parallel_read_safe": True}
