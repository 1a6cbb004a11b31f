"""Multi-layer perceptron: see README.md."""
