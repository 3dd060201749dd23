"""NVIDIA's client of the Open Inference Protocol, over HTTP and over gRPC."""

import numpy as np
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http

from flows import serve


def with_http(flow):
    def run(asked):
        client = triton_http.InferenceServerClient(asked["address"])
        try:
            headers = {"Authorization": f"Bearer {asked['token']}"}
            return flow(client, triton_http, headers)
        finally:
            client.close()

    return run


def with_grpc(flow):
    def run(asked):
        with triton_grpc.InferenceServerClient(asked["address"]) as client:
            # Metadata of gRPC is lower case.
            return flow(client, triton_grpc, {"authorization": f"Bearer {asked['token']}"})

    return run


def predict(client, library, headers):
    rows = np.array([[0.0, 0.0], [1.0, 1.0]], dtype=np.float64)
    given = library.InferInput("predict", rows.shape, "FP64")
    given.set_data_from_numpy(rows, **({"binary_data": False} if library is triton_http else {}))
    answer = client.infer("iris", [given], headers=headers)
    return answer.as_numpy("predict").flatten().tolist()


def look(client, library, headers):
    found = client.get_model_metadata("iris", headers=headers)
    return found["platform"] if isinstance(found, dict) else found.platform


def ready(client, library, headers):
    """The calls that answer yes or no say nothing of why."""
    if not client.is_model_ready("iris", headers=headers):
        raise RuntimeError("the model is not ready")
    return True


def operate(client, library, headers):
    client.unload_model("iris", headers=headers)
    client.load_model("iris", headers=headers)
    return True


def index(client, library, headers):
    found = client.get_model_repository_index(headers=headers)
    models = found if isinstance(found, list) else found.models
    return [model["name"] if isinstance(model, dict) else model.name for model in models]


FLOWS = (predict, look, ready, operate, index)
serve(
    {
        **{flow.__name__: with_http(flow) for flow in FLOWS},
        **{f"grpc-{flow.__name__}": with_grpc(flow) for flow in FLOWS},
    }
)
