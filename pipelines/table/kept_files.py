"""Small files that a run keeps in the table's folder, beside data and log."""

from pathlib import Path

from pipelines.drafts import write_whole
from pipelines.stores.places import is_remote
from pipelines.table.storage import make_folder, open_folder


def keep_file(uri: str, path: str, content: bytes) -> None:
    """Write a file whole or not at all, in place of one that is there.

    Args:
        uri: the table, as `table_uri` gives it.
        path: inside the table's folder, in a folder of its own, which is made.
        content: of the file.

    Raises:
        OSError: it cannot be written.
    """
    make_folder(uri, path.rpartition("/")[0])
    if is_remote(uri):  # where an object is there whole or not at all
        with open_folder(uri).open_output_stream(path) as file:
            file.write(content)
    else:
        write_whole(Path(uri, path), content)
