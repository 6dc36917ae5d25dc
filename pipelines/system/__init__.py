"""What a process asks of its machine: cores, cards, memory, threads, signals, Keras's import."""
