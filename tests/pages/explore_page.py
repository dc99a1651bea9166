"""What the tests of Explore read off the page."""

import json

HERE = {"dataset": "mnist-sample", "model": "mlp", "pixels": "true", "method": "regressors"}
"""The address of the run that ``address()`` specifies."""

PLAN = {"plan": "How long will it take?"}

KEYS = {"Units removed": "units", "Parameters removed": "parameters", "MACs removed": "macs"}


def seen(app):
    """Return what the living network was given; None where it is not drawn."""
    found = [json.loads(each.proto.json) for each in app.get("bidi_component") if "living" in each.proto.id]
    return found[0] if found else None


def point(app):
    """Return the point at which the living network opens."""
    given = seen(app)
    return given["points"][given["at"]]


def metric(app, label):
    """Return a figure as the living network writes it."""
    if label in KEYS:
        return f"{point(app)[KEYS[label]]:.1%}"
    value = seen(app)["dense"] if label == "Dense" else point(app)["accuracy"][label.lower()]
    return "…" if value is None else f"{value:.2%}"


def labels(app):
    return {button.key: button.label for button in app.button if not button.key.startswith(("preset", "slim"))}


def level(app, number, key="level"):
    """Move the thumb and let it go."""
    app.query_params[key] = str(number)
    return app.run()
