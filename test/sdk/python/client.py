"""boto3 as an app uses it. "call": calls GetCallerIdentity; "fetch N": gets credentials N times, each from a new chain."""

import json
import sys

import boto3
import botocore.session
from botocore.credentials import create_credential_resolver


def call():
    return {"arn": boto3.client("sts").get_caller_identity()["Arn"]}


def fetch(times):
    session = botocore.session.get_session()
    for _ in range(times):
        create_credential_resolver(session).load_credentials().get_frozen_credentials()
    return {"fetches": times}


try:
    result = fetch(int(sys.argv[2])) if len(sys.argv) > 2 else call()
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
print(json.dumps(result))
