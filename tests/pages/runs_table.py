"""What the tests of Runs read off the page."""


def table(app):
    return app.dataframe[0].value


def buttons(app):
    return [button.label for button in [*app.button, *app.get("download_button")]]
