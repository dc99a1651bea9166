"""Uploads at Explore, for tests."""


def upload(app, content, name="../../../evil.pt"):
    app.file_uploader[0].set_value((name, content, "application/octet-stream")).run()
    assert not app.exception
    return app


def named(app):
    value = app.query_params.get("weights")
    return value[0] if isinstance(value, list) else value
