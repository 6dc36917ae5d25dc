"""The ways there are: what the book says of each, and the commands that do it here.

The book's figures are those of Chollet, Deep Learning with Python (2017), sections 5.2 and
5.3, on the same 4,000 photographs of cats and dogs; all are validation accuracies.
"""

from dataclasses import dataclass

RESCALE = ("--preprocessing", "rescale")
OF_THE_BOOK = (*RESCALE, "--interpolation", "nearest")
LONG = ("--epochs", "100")
"""For copies: an epoch draws one row of an image, so that it takes more of them to see all."""

OF_THE_BOOKS_LENGTH = ("--epochs", "160")
"""For the convnets: the book's 100 epochs of 3,200 images are 160 passes over the 1,999."""

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
        figure: the book's, in words; "-" where it has none.
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

    @property
    def epochs(self) -> int | None:
        """Passes over the training images that are wanted; None for what a head has by itself."""
        given = dict(zip(self.options[::2], self.options[1::2], strict=True))
        return int(given["--epochs"]) if "--epochs" in given else None


NEAREST = Step("nearest", 0, OF_THE_BOOK)
RESCALED = Step("rescaled", 0, RESCALE)
RESCALED_COPIES = Step("rescaled", 4, RESCALE)
IMAGENET = Step("imagenet")
IMAGENET_COPIES = Step("imagenet", 4)
BLOCK4 = Step("block4", 0, ("--layer", "block4_pool"))
BLOCK4_COPIES = Step("block4", 4, ("--layer", "block4_pool"))
STEPS = (NEAREST, RESCALED, RESCALED_COPIES, IMAGENET, IMAGENET_COPIES, BLOCK4, BLOCK4_COPIES)

AUGMENTED = ("--augmented", "true")

WAYS = (
    Way(
        "convnet",
        "small convnet from scratch",
        "0.70 to 0.75 (30 epochs)",
        (),
        ("--head", "convnet"),
    ),
    Way(
        "convnet-augmented",
        "small convnet, augmented",
        "0.80 to 0.82 (100 of 3,200)",
        (),
        ("--head", "convnet", *AUGMENTED, *OF_THE_BOOKS_LENGTH),
    ),
    Way(
        "convnet-augmented-dropout",
        "small convnet, augmented, dropout",
        "0.83 to 0.84 (100 of 3,200)",
        (),
        ("--head", "convnet", *AUGMENTED, "--dropout", "0.5", *OF_THE_BOOKS_LENGTH),
    ),
    Way(
        "dense-nearest",
        "dense head, pixels times 1/255, nearest (the book's)",
        "about 0.90 (30)",
        (NEAREST,),
        ("--head", "dense"),
        SEEDS,
    ),
    Way(
        "dense-rescaled",
        "dense head, pixels times 1/255",
        "-",
        (RESCALED,),
        ("--head", "dense"),
        SEEDS,
    ),
    Way(
        "dense-rescaled-long",
        "dense head, pixels times 1/255, as long as with copies",
        "-",
        (RESCALED,),
        ("--head", "dense", *LONG),
        SEEDS,
    ),
    Way(
        "dense-rescaled-copies",
        "dense head, pixels times 1/255, 4 copies",
        "-",
        (RESCALED, RESCALED_COPIES),
        ("--head", "dense", *LONG),
        SEEDS,
    ),
    Way(
        "end-to-end",
        "dense head, pixels times 1/255, base run in every epoch, augmented",
        "about 0.96 (30)",
        (),
        ("--head", "dense", *AUGMENTED, *RESCALE),
    ),
    Way(
        "end-to-end-imagenet",
        "dense head, base run in every epoch, augmented",
        "about 0.96 (30)",
        (),
        ("--head", "dense", *AUGMENTED),
    ),
    Way(
        "dense",
        "dense head",
        "-",
        (IMAGENET,),
        ("--head", "dense"),
        SEEDS,
    ),
    Way(
        "dense-copies",
        "dense head, 4 copies",
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
        "block 5 fine-tuned",
        "-",
        (BLOCK4,),
        ("--head", "finetune"),
        SEEDS,
    ),
    Way(
        "finetune-copies",
        "block 5 fine-tuned, 4 copies",
        "about 0.97 (30, then 100)",
        (BLOCK4, BLOCK4_COPIES),
        ("--head", "finetune", "--head_epochs", "30", "--epochs", "15"),
        SEEDS,
    ),
    Way(
        "softmax",
        "average pooling and softmax, SGD",
        "-",
        (IMAGENET,),
        ("--head", "softmax"),
        SEEDS,
    ),
    Way(
        "softmax-finetune",
        "average pooling and softmax, then block 5, SGD, 4 copies",
        "-",
        (BLOCK4, BLOCK4_COPIES),
        ("--head", "finetune", "--top", "softmax"),
    ),
)


def way_named(name: str) -> Way:
    """The way of that name."""
    return next(way for way in WAYS if way.name == name)
