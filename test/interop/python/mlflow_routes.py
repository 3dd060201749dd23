"""Writes the routes of `mlflow server` into ./routes.txt, a line for each method and path."""

from mlflow.server import app as flask
from mlflow.server.fastapi_app import app

with open("routes.txt", "w", encoding="utf-8") as file:
    for path, item in app.openapi()["paths"].items():
        for method in item:
            print(method.upper(), path, file=file)
    for rule in flask.url_map.iter_rules():
        for method in sorted(rule.methods):
            print(method, rule.rule, file=file)
