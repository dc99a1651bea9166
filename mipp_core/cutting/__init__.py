"""From scores to a smaller network: selection, keep-masks, surgery, and what mends a cut without labels."""
