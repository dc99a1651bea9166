"""From scores to a smaller network: selection, keep-masks, surgery, and repairs after a cut that need no labels."""
