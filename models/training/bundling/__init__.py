"""From a trained network to a bundle with its manifest and its card."""
