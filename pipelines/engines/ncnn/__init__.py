"""ncnn, which runs plain chains of convolutions: writing a chain as its files, and running them."""
