"""Side-by-side measurements and long runs; never part of the tests."""
