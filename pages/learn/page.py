"""Learn: six short lessons; every step has its address."""

from pages.learn import places, start, steps

name = places.lesson()
if name is None:
    start.show()
else:
    steps.show(name)
