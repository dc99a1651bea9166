"""What the page Information computes: Theorem 1 on a trained network, and estimators of information put to the test."""
