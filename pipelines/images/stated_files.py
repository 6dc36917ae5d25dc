"""The stat data of local files as columns."""

import stat

import numpy as np
import pyarrow as pa

from pipelines.images.manifest_stat import Stated
from pipelines.images.name_index import Places
from pipelines.images.stat_of_many import stat_numbers


def stated_by_files(files: pa.Array) -> tuple[Stated, Places]:
    """Size, time of change and time of any change of each file, as `make_ref` has them.

    Args:
        files: as `stat_numbers` takes them.

    Returns:
        They, and the places of links, of which they are the links' own.
    """
    found = stat_numbers(files)
    links = np.flatnonzero(stat.S_IFMT(0o777777) & found[:, 3] == stat.S_IFLNK)
    sizes, modified, changed = found[:, :3].T.copy()
    return Stated(sizes, modified // 1000, changed // 1000), links
