"""The AWS Common Runtime, C libraries with their own chain of providers, as an app uses it. "call": gets credentials and
calls GetCallerIdentity with them, which the libraries have no function for; "fetch N": gets credentials N times, each time
from a new chain; "again": calls, creates AGAIN_FILE, and calls with the same chain when that is gone."""

import io
import json
import os
import pathlib
import re
import sys
import time
import urllib.request

from awscrt.auth import AwsCredentialsProvider, AwsSignatureType, AwsSigningAlgorithm, AwsSigningConfig, aws_sign_request
from awscrt.http import HttpRequest
from awscrt.io import ClientBootstrap, DefaultHostResolver, EventLoopGroup, InputStream

TIMEOUT_S = 30
BODY = b"Action=GetCallerIdentity&Version=2011-06-15"
loops = EventLoopGroup(1)
bootstrap = ClientBootstrap(loops, DefaultHostResolver(loops))


def new_chain():
    return AwsCredentialsProvider.new_default_chain(bootstrap)


def caller_arn(chain):
    endpoint = os.environ["AWS_ENDPOINT_URL_STS"]
    request = HttpRequest("POST", "/", body_stream=InputStream(io.BytesIO(BODY)))
    for name, value in {
        "Host": endpoint.removeprefix("http://"),
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(BODY)),
    }.items():
        request.headers.add(name, value)
    # The provider's own error names no cause, so credentials are requested before the signature is.
    chain.get_credentials().result(TIMEOUT_S)
    config = AwsSigningConfig(
        algorithm=AwsSigningAlgorithm.V4,
        signature_type=AwsSignatureType.HTTP_REQUEST_HEADERS,
        credentials_provider=chain,
        region=os.environ["AWS_REGION"],
        service="sts",
    )
    signed = aws_sign_request(request, config).result(TIMEOUT_S)
    headers = dict(signed.headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(f"{endpoint}/", BODY, headers), timeout=TIMEOUT_S) as response:
        return re.search("<Arn>(.+?)</Arn>", response.read().decode())[1]


def call():
    return {"arn": caller_arn(new_chain())}


def again():
    file = pathlib.Path(os.environ["AGAIN_FILE"])
    chain = new_chain()
    caller_arn(chain)
    file.touch()
    while file.exists():
        time.sleep(0.05)
    return {"arn": caller_arn(chain)}


def fetch(times):
    for _ in range(times):
        new_chain().get_credentials().result(TIMEOUT_S)
    return {"fetches": times}


try:
    mode, *arguments = sys.argv[1:]
    result = {"call": call, "fetch": fetch, "again": again}[mode](*map(int, arguments))
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
print(json.dumps(result))
