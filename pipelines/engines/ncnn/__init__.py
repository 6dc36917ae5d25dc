"""ncnn, which runs plain chains of convolutions: a chain as its files, and the engine that loads them."""
