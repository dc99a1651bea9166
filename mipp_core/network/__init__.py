"""Reading a network: its operations, layers, channels, streams and activations."""
