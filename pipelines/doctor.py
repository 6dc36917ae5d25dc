"""`python -m pipelines.doctor`: what is installed here and what would be used."""

import argparse
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from pipelines import __version__
from pipelines.bases import base_named
from pipelines.bases.sources import Source, imagenet_sources, source_states
from pipelines.cli import Parser, add_json_option, run_command, write_json
from pipelines.engines.choosing import describe_auto
from pipelines.engines.kinds import CONVERTING, KERAS
from pipelines.engines.race_results import Race, circumstances, races, tell_spread
from pipelines.planning.job import FeatureChoice
from pipelines.reports import Grid, Part, Report
from pipelines.stores.credentials import StoreAccess, store_access
from pipelines.stores.places import SCHEMES
from pipelines.system.cache import CacheState, cache_state
from pipelines.system.cores import usable_cores
from pipelines.system.gpus import visible_gpus
from pipelines.system.memory import usable_memory
from pipelines.system.versions import installed_versions

PROG = "python -m pipelines.doctor"

PACKAGES = (
    *("numpy", "pillow", "pyarrow", "deltalake", "obstore"),
    *("apache-beam", "tensorflow", "keras", "jax", "torch", "openvino", "ncnn", "onnxruntime"),
    *("scikit-learn", "skops", "matplotlib", "argcomplete", "usearch"),
)


@dataclass(frozen=True, slots=True)
class DoctorReport(Report):
    """What is installed here and what would be used.

    Attributes:
        versions: of this project, Python and the packages that are installed, by name.
        system: the operating system.
        processor: its name.
        cores: that this process may use.
        memory: bytes that this process may use.
        gpus: names of the GPUs that it would see.
        backend: Keras's.
        engines: which are installed, by name.
        auto: what `--engine auto` takes, in words.
        races: those whose results are kept.
        cache: the cache folder.
        base: the base that `weights` are of.
        weights: where its ImageNet weights may come from, in order.
        stores: how stores would be reached.
    """

    versions: dict[str, str]
    system: str
    processor: str
    cores: int
    memory: int
    gpus: tuple[str, ...]
    backend: str
    engines: dict[str, bool]
    auto: str
    races: tuple[Race, ...]
    cache: CacheState
    base: str
    weights: tuple[Source, ...]
    stores: tuple[StoreAccess, ...]

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        cache = f"{self.cache.held / 1e6:.1f} MB held, {self.cache.free / 1e9:.1f} GB free"
        able = "" if self.cache.writable else ", cannot be written"
        able += "" if self.cache.problem is None else f"; not used: {self.cache.problem}"
        facts = [
            ("system", self.system),
            ("processor", self.processor),
            ("cores", str(self.cores)),
            ("memory", f"{self.memory / 1e9:.1f} GB"),
            ("GPUs", ", ".join(self.gpus) or "none"),
            ("Keras's backend", self.backend),
            ("--engine auto", self.auto),
            ("cache", f"{self.cache.folder} ({cache}{able})"),
        ]
        versions = [(name, version) for name, version in self.versions.items()]
        engines = [(name, "installed" if there else "-") for name, there in self.engines.items()]
        kept = [_race_row(race) for race in self.races]
        stores = [(f"{s.scheme}://", s.server, s.credentials, s.problem) for s in self.stores]
        imagenet = f"{self.base}'s ImageNet weights"
        races: list[Part] = []
        if kept:
            races = ["", Grid(kept, ("race of", "pixels", "in", "won by", "images/s", "counts"))]
        sources = source_states(self.weights)
        return [
            *(Grid(facts), "", Grid(versions, ("package", "version"))),
            *("", Grid(engines, ("engine", "here")), *races),
            *("", Grid(sources, (imagenet, "where", "state"))),
            *("", Grid(stores, ("store", "server", "credentials", "problem"))),
        ]

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        weights = [
            {
                "source": source.name,
                "path": None if source.path is None else str(source.path),
                "there": None if source.path is None else source.there,
            }
            for source in self.weights
        ]
        return {**asdict(self), "weights": weights}


def main(argv: Sequence[str], prog: str = PROG) -> int:
    """Run the command; returns its exit status."""
    return run_command(partial(_doctor, make_parser(prog)), argv)


def _doctor(parser: Parser, argv: Sequence[str]) -> int:
    options = parser.parse_args(argv)
    report = work(options)
    print(report)
    write_json(options.json, report.as_json())
    return 0


def make_parser(prog: str = PROG) -> Parser:
    """The command's options."""
    parser = Parser(prog=prog, description=(__doc__ or "").partition(": ")[2])
    parser.add_argument(
        "--base", default=FeatureChoice().base, metavar="NAME", help="whose weights to look for"
    )
    add_json_option(parser)
    return parser


def work(options: argparse.Namespace) -> DoctorReport:
    """Do what the options of `make_parser` say.

    Nothing is asked of the network, no secret is read, and no engine is loaded.

    Raises:
        UsageError: there is no such base.
    """
    here = circumstances()
    packages = installed_versions(PACKAGES)
    engines = {KERAS: "keras" in packages}
    engines |= {name: kind.installed for name, kind in CONVERTING.items()}
    runs_keras = {KERAS, *(kind.name for kind in CONVERTING.values() if "keras" in kind.formats)}
    for_keras = {name: there for name, there in engines.items() if name in runs_keras}
    kept = tuple(races())
    gpus = visible_gpus()
    return DoctorReport(
        versions={
            "frozen-features": __version__,
            "python": platform.python_version(),
            **packages,
        },
        system=platform.platform(),
        processor=here["processor"],
        cores=usable_cores(),
        memory=usable_memory(),
        gpus=gpus,
        backend=here["backend"],
        engines=engines,
        auto=describe_auto(gpus, for_keras, any(race.counts for race in kept)),
        races=kept,
        cache=cache_state(),
        base=options.base,
        weights=imagenet_sources(base_named(options.base)),
        stores=tuple(store_access(scheme) for scheme in SCHEMES),
    )


def _race_row(race: Race) -> tuple[str | int, ...]:
    old = "no: other processor, cores, backend or versions, or a run was far slower"
    rate = tell_spread(race.slowest, race.images_per_second)
    won = (race.compute_dtype, race.engine, rate)
    return race.base, race.image_size, *won, "yes" if race.counts else old


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
