"""The table library: DataTables as the installed itables package carries it, in a shape that opens from a file.

A page opened from a file may load a script but no module, and DataTables comes as a module. So the script is its
text, which `tables.js` imports once there is a table to enhance.
"""

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from ticketbench.errors import TicketbenchError

_MODULE = Path("html") / "dt_bundle.js"
_EXPORTED = "as default"
_WANTED = "`pip install 'itables>=2.9'` brings it."


def assets() -> Iterator[tuple[str, str]]:
    """The library's files, name below the site's assets and text: the same bytes from the same itables.

    Raises `TicketbenchError` where the installed itables holds no such module.
    """
    source = _module()
    # A script's text may hold any character but the one that would end its element, were it ever put in a page.
    quoted = json.dumps(source).replace("</", "<\\/")
    yield "datatables.js", f"window.ticketbenchTableLibrary = {quoted};\n"


def _module() -> str:
    spec = find_spec("itables")  # found, not imported: nothing of it runs here
    folders = [Path(each) for each in (spec.submodule_search_locations or ())] if spec else []
    path = next((each / _MODULE for each in folders if (each / _MODULE).is_file()), None)
    if path is None:
        raise TicketbenchError(f"itables: its {_MODULE}, the table library of the site, is not installed. {_WANTED}")
    source = path.read_text("utf-8")
    if _EXPORTED not in source:
        raise TicketbenchError(f"{path}: the table library of the site has no default export. {_WANTED}")
    return source
