"""The image's pixels as a layer: rankings of them, and what a network can do with those that are chosen."""
