"""The ways there are: what the literature says of each, and the commands that do it here.

The literature's figures are those of Chollet, Deep Learning with Python (2017), sections 5.2 and
5.3, on the same 4,000 photographs of cats and dogs; all are validation accuracies.
"""

from dataclasses import dataclass

LITERATURE = ("--preprocessing", "rescale", "--interpolation", "nearest")
SEEDS = (0, 1, 2)


@dataclass(frozen=True, slots=True)
class Step:
    """An extraction; steps of one table follow each other.

    Attributes:
        table: name of the table.
        copies: augmented copies of each training image that the table holds afterwards.
        options: of `pipelines.extract`, besides input, table, weights and copies.
    """

    table: str
    copies: int = 0
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What its result is called."""
        return f"extract-{self.table}-{self.copies}"

    def arguments(self) -> list[str]:
        """Options of `pipelines.extract` besides input, table and weights."""
        return [*self.options, *(["--augment", str(self.copies)] if self.copies else [])]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to tell cats from dogs.

    Attributes:
        name: what its result is called.
        title: for the table.
        figure: the literature's, in words; "-" where it has none.
        steps: the extractions it needs; none where it reads images.
        options: of `classifiers.train`, besides table or images, model and seed.
        seeds: a training each.
    """

    name: str
    title: str
    figure: str
    steps: tuple[Step, ...]
    options: tuple[str, ...]
    seeds: tuple[int, ...] = (0,)

    @property
    def reads_images(self) -> bool:
        """Whether it trains on images instead of stored features."""
        return not self.steps

    def training(self) -> list[str]:
        """Options of `classifiers.train` besides table or images, weights, model and seed."""
        copies = ["--copies", str(self.steps[-1].copies)] if self.steps else []
        return [*self.options, *copies]


RESCALED = Step("rescaled", 0, LITERATURE)
RESCALED_COPIES = Step("rescaled", 4, LITERATURE)
IMAGENET = Step("imagenet")
IMAGENET_COPIES = Step("imagenet", 4)
BLOCK4 = Step("block4", 0, ("--layer", "block4_pool"))
BLOCK4_COPIES = Step("block4", 4, ("--layer", "block4_pool"))
STEPS = (RESCALED, RESCALED_COPIES, IMAGENET, IMAGENET_COPIES, BLOCK4, BLOCK4_COPIES)

AUGMENTED = ("--augmented", "true")
RESCALE = ("--preprocessing", "rescale")

WAYS = (
    Way(
        "convnet",
        "a small convnet from scratch",
        "0.70 to 0.75",
        (),
        ("--head", "convnet"),
    ),
    Way(
        "convnet-augmented",
        "the same, augmented",
        "0.80 to 0.82",
        (),
        ("--head", "convnet", *AUGMENTED),
    ),
    Way(
        "convnet-augmented-dropout",
        "the same, augmented, with dropout",
        "0.83 to 0.84",
        (),
        ("--head", "convnet", *AUGMENTED, "--dropout", "0.5"),
    ),
    Way(
        "dense-rescaled",
        "dense head on stored features, pixels times 1/255",
        "about 0.90",
        (RESCALED,),
        ("--head", "dense"),
        SEEDS,
    ),
    Way(
        "dense-rescaled-copies",
        "the same with 4 augmented copies, which the literature calls impossible",
        "-",
        (RESCALED, RESCALED_COPIES),
        ("--head", "dense"),
        SEEDS,
    ),
    Way(
        "end-to-end",
        "frozen base run in every epoch, augmented",
        "about 0.96",
        (),
        ("--head", "dense", *AUGMENTED, *RESCALE),
    ),
    Way(
        "dense",
        "dense head on stored features, the base's own preprocessing",
        "-",
        (IMAGENET,),
        ("--head", "dense"),
        SEEDS,
    ),
    Way(
        "dense-copies",
        "the same with 4 augmented copies",
        "-",
        (IMAGENET, IMAGENET_COPIES),
        ("--head", "dense"),
        SEEDS,
    ),
    Way("logistic", "logistic regression", "-", (IMAGENET,), ("--head", "logistic")),
    Way("linear_svm", "linear SVM", "-", (IMAGENET,), ("--head", "linear_svm")),
    Way("rbf_svm", "RBF SVM", "-", (IMAGENET,), ("--head", "rbf_svm")),
    Way(
        "finetune",
        "block 5 fine-tuned on stored features",
        "-",
        (BLOCK4,),
        ("--head", "finetune"),
        SEEDS,
    ),
    Way(
        "finetune-copies",
        "the same with 4 augmented copies",
        "about 0.97",
        (BLOCK4, BLOCK4_COPIES),
        ("--head", "finetune"),
        SEEDS,
    ),
    Way(
        "softmax",
        "average pooling and one softmax layer, SGD",
        "-",
        (IMAGENET,),
        ("--head", "softmax"),
        SEEDS,
    ),
    Way(
        "softmax-finetune",
        "the same, then block 5 unfrozen at a lower rate",
        "-",
        (BLOCK4, BLOCK4_COPIES),
        ("--head", "finetune", "--top", "softmax"),
        SEEDS,
    ),
)


def way_named(name: str) -> Way:
    """The way of that name."""
    return next(way for way in WAYS if way.name == name)
