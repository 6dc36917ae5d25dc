"""ONNX files as bases: read within bounds, cut, fingerprinted, and composed to take pixels."""
