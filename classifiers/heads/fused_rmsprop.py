"""RMSprop's step as TensorFlow's one kernel, instead of a dozen operations over the weights."""

from collections.abc import Sequence
from typing import Any


def fuse_rmsprop(optimizer: Any, variables: Sequence[Any]) -> None:  # noqa: ANN401 - untyped
    """Have a Keras RMSprop update each of its variables in one pass over memory.

    A small head on long features is bound by memory: of each step most goes into Keras's update,
    whose operations each read and write arrays of the size of the weights. TensorFlow's kernel
    computes the same, `v += (1 - rho) (g^2 - v); w -= lr g / sqrt(v + epsilon)` (Hinton, lecture 6
    of "Neural Networks for Machine Learning", 2012), and differs in rounding only.

    The optimizer stays an ordinary `keras.optimizers.RMSprop`, and is saved as one.

    Args:
        optimizer: the optimizer, plain: without momentum, centring, weight decay or clipping.
        variables: all that it is to train, in the model's order.
    """
    import tensorflow as tf

    optimizer.build(variables)
    # The kernel wants a place for momentum even where there is none.
    unused = [tf.Variable(tf.zeros(each.shape), trainable=False) for each in variables]
    velocities = optimizer._velocities
    index_of = optimizer._get_variable_index

    def update_step(gradient: Any, variable: Any, learning_rate: Any) -> None:  # noqa: ANN401
        place = index_of(variable)
        tf.raw_ops.ResourceApplyRMSProp(
            var=variables[place].value.handle,
            ms=velocities[place].value.handle,
            mom=unused[place].handle,
            lr=tf.cast(learning_rate, tf.float32),
            rho=optimizer.rho,
            momentum=0.0,
            epsilon=optimizer.epsilon,
            grad=gradient,
        )

    optimizer.update_step = update_step
