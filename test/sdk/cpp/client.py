"""The AWS SDK for C++ as an app uses it, inside pyarrow. pyarrow uses the SDK for S3 alone, so each call is a request to an
S3 server in this process, which answers 200 if the request is signed, and "call" prints the access key that signed it.
"fetch N": N requests, each by a client with a new provider chain; "again": a request, creates AGAIN_FILE, and a request by the
same client when that is gone."""

import http.server
import json
import os
import pathlib
import re
import sys
import threading
import time

from pyarrow.fs import S3FileSystem

access_keys = []


class Bucket(http.server.BaseHTTPRequestHandler):
    """Answers every request; remembers the access key of each signed one."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        signed = re.search("Credential=(.+?)/", self.headers.get("Authorization", ""))
        if signed and self.headers.get("X-Amz-Security-Token"):
            access_keys.append(signed[1])
        self.send_response(200 if signed else 403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()


def new_client():
    address = f"127.0.0.1:{server.server_address[1]}"
    return S3FileSystem(scheme="http", endpoint_override=address, region=os.environ["AWS_REGION"])


def request(client):
    client.get_file_info("bucket")
    if not access_keys:
        raise RuntimeError("the request was not signed")
    return {"accessKeyId": access_keys[-1]}


def call():
    return request(new_client())


def again():
    file = pathlib.Path(os.environ["AGAIN_FILE"])
    client = new_client()
    request(client)
    file.touch()
    while file.exists():
        time.sleep(0.05)
    access_keys.clear()
    return request(client)


def fetch(times):
    for _ in range(times):
        access_keys.clear()
        request(new_client())
    return {"fetches": times}


try:
    mode, *arguments = sys.argv[1:]
    result = {"call": call, "fetch": fetch, "again": again}[mode](*map(int, arguments))
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
print(json.dumps(result))
