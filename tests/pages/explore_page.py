"""What the tests of Explore read off the page."""

HERE = {"dataset": "mnist-sample", "model": "mlp", "pixels": "true", "method": "regressors"}
"""The address of the run that ``address()`` specifies."""

PLAN = {"plan": "How long will it take?"}


def metric(app, label):
    return next(m.value for m in app.metric if m.label == label)


def labels(app):
    return {button.key: button.label for button in app.button if not button.key.startswith(("preset", "slim"))}


def level(app, number):
    return app.slider(key="level").set_value(number).run()
