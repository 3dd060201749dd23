"""A client of a test: reads a JSON object per line, does the flow it names, answers with one line.

What the libraries print goes to standard error, so that standard output is the answers alone.
"""

import json
import os
import sys
import traceback


def serve(flows):
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            value = flows[asked["flow"]](asked)
            answer = {"ok": True, "text": json.dumps(value)}
        except BaseException as error:  # noqa: BLE001 - every failure of a library is an answer
            traceback.print_exc()
            answer = {"ok": False, "text": words(error)}
        answers.write(json.dumps(answer) + "\n")


def words(error):
    """The error as the library words it, with those it was raised from."""
    said = []
    while error is not None and len(said) < 8:
        said.append(f"{type(error).__name__}: {error}")
        error = error.__cause__ or error.__context__
    return "\n".join(said)
