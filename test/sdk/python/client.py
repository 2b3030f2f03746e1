"""boto3 as an app uses it. "call": calls GetCallerIdentity; "fetch N": gets credentials N times, each from a new chain;
"again": calls, creates AGAIN_FILE, and calls with the same client when that is gone."""

import json
import os
import pathlib
import sys
import time

import boto3
import botocore.session
from botocore.credentials import create_credential_resolver


def call():
    return {"arn": boto3.client("sts").get_caller_identity()["Arn"]}


def again():
    file = pathlib.Path(os.environ["AGAIN_FILE"])
    client = boto3.client("sts")
    client.get_caller_identity()
    file.touch()
    while file.exists():
        time.sleep(0.05)
    return {"arn": client.get_caller_identity()["Arn"]}


def fetch(times):
    session = botocore.session.get_session()
    for _ in range(times):
        create_credential_resolver(session).load_credentials().get_frozen_credentials()
    return {"fetches": times}


try:
    mode, *arguments = sys.argv[1:]
    result = {"call": call, "fetch": fetch, "again": again}[mode](*map(int, arguments))
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
print(json.dumps(result))
