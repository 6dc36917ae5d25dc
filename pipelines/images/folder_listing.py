"""Images of a local folder, by the names of the folders that they lie in."""

from collections.abc import Sequence

from pipelines.images.arranging import arrange
from pipelines.images.folder import ImageFolder, images_in
from pipelines.images.folder_inventory import inventory_of_folder
from pipelines.images.layout import PLAIN, Layout
from pipelines.images.picked import whole
from pipelines.images.plain_columns import NotPlainError
from pipelines.images.stat_data import make_ref
from pipelines.records import ImageRef


def list_folder(
    root: str, found: Sequence[ImageFolder], layout: Layout = PLAIN
) -> Sequence[ImageRef]:
    """List the images that are found in a folder.

    Args:
        root: the folder.
        found: what `find_in_folder` gives of it.
        layout: how it is to be understood.

    Raises:
        InputError: it cannot be told what its folders mean.
    """
    try:
        return whole(inventory_of_folder(root, found, layout))
    except NotPlainError:
        return arrange(root, images_in(found), make_ref, layout)
