"""A service with one API of its own."""

import bentoml


@bentoml.service(name="iris")
class Iris:
    @bentoml.api
    def predict(self, rows: list[list[float]]) -> list[int]:
        return [int(sum(row) > 1) for row in rows]
