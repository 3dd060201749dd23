"""huggingface_hub, which sends HF_TOKEN as a bearer token to HF_ENDPOINT."""

import shutil
import tempfile

from huggingface_hub import HfApi, hf_hub_download, snapshot_download

from flows import serve


def with_hub(flow):
    def run(asked):
        folder = tempfile.mkdtemp()
        try:
            return flow(asked, HfApi(endpoint=asked["url"], token=asked["token"]), folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return run


def info(asked, api, folder):
    return api.model_info(asked["repo"]).sha


def list_files(asked, api, folder):
    return sorted(api.list_repo_files(asked["repo"]))


def browse(asked, api, folder):
    names = sorted(model.id for model in api.list_models(limit=10))
    if asked["repo"] not in names:
        raise RuntimeError(f"{asked['repo']} is not listed")
    return names


def download(asked, api, folder):
    """One file: a HEAD for its facts, then its bytes."""
    path = hf_hub_download(
        asked["repo"],
        "model.safetensors",
        endpoint=asked["url"],
        token=asked["token"],
        cache_dir=folder,
    )
    with open(path, "rb") as file:
        return len(file.read())


def snapshot(asked, api, folder):
    """What `from_pretrained` does: the list of files, then each of them."""
    path = snapshot_download(
        asked["repo"],
        endpoint=asked["url"],
        token=asked["token"],
        cache_dir=folder,
        max_workers=1,
    )
    with open(f"{path}/config.json", encoding="utf-8") as file:
        return file.read()


serve({flow.__name__: with_hub(flow) for flow in (info, list_files, browse, download, snapshot)})
