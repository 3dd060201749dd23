"""boto3 with the gateway's token instead of a signature.

A signature covers the host and the path that the client sees and needs a key that the gateway does
not have, and it would be in the header where the token must be. So requests are not signed, and an
event hook adds the token.
"""

import os
import tempfile

import boto3
from boto3.s3.transfer import TransferConfig
from botocore import UNSIGNED
from botocore.config import Config

from flows import serve

BUCKET = "models"
PART = 5 * 1024 * 1024


def with_s3(flow):
    def run(asked):
        config = Config(
            signature_version=UNSIGNED,
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": 1},
            proxies={},
        )
        client = boto3.client(
            "s3", endpoint_url=asked["url"], region_name="us-east-1", config=config
        )

        def add_token(request, **_):
            request.headers["Authorization"] = f"Bearer {asked['token']}"

        client.meta.events.register("before-send.s3", add_token)
        return flow(client)

    return run


def put(client):
    client.put_object(Bucket=BUCKET, Key="fraud/v1/card.json", Body=b'{"name": "fraud"}')
    return True


def upload(client):
    """In parts, as boto3 does with everything that is large."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(os.urandom(PART + 1024))
        file.flush()
        client.upload_file(
            file.name,
            BUCKET,
            "fraud/v1/weights.bin",
            Config=TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, use_threads=False),
        )
    return True


def get(client):
    return client.get_object(Bucket=BUCKET, Key="fraud/v1/card.json")["Body"].read().decode()


def download(client):
    """A HEAD, then the object."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "card.json")
        client.download_file(BUCKET, "fraud/v1/card.json", file)
        return os.path.getsize(file)


def list_objects(client):
    found = client.list_objects_v2(Bucket=BUCKET, Prefix="fraud/")
    return [item["Key"] for item in found.get("Contents", [])]


serve({flow.__name__: with_s3(flow) for flow in (put, upload, get, download, list_objects)})
