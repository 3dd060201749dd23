"""The scoring server of MLflow, asked as its documentation asks it: with requests."""

import requests

from flows import serve


def predict(asked):
    answer = requests.post(
        f"{asked['url']}/invocations",
        json={"inputs": [[0.0, 0.0], [1.0, 1.0]]},
        headers={"Authorization": f"Bearer {asked['token']}"},
        timeout=10,
    )
    if not answer.ok:
        raise RuntimeError(f"{answer.status_code}: {answer.text}")
    return answer.json()["predictions"]


def version(asked):
    answer = requests.get(
        f"{asked['url']}/version",
        headers={"Authorization": f"Bearer {asked['token']}"},
        timeout=10,
    )
    if not answer.ok:
        raise RuntimeError(f"{answer.status_code}: {answer.text}")
    return answer.text


serve({"predict": predict, "version": version})
