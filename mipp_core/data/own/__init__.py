"""Images of a user's own: a folder of pictures, or one ``.npz`` file of arrays; ``known`` is the way in."""
