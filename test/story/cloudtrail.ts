// The records that CloudTrail would have written for the calls that the STS emulator answered
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html).
import { createHash } from "node:crypto";
import type { StsCall } from "../../emulators/sts/calls.ts";

/** Text of a CloudTrail log file in S3: `{"Records": […]}`. */
export function cloudTrailFile(calls: readonly StsCall[], region: string): string {
  return JSON.stringify({ Records: calls.map((call) => recordOf(call, region)) });
}

function recordOf(call: StsCall, region: string): object {
  const { at, action, outcome, callerArn = "", callerAccessKeyId, roleArn, sessionName, accessKeyId } = call;
  const isSession = callerArn.includes(":assumed-role/");
  return {
    eventVersion: "1.08",
    userIdentity: {
      type: isSession ? "AssumedRole" : "IAMUser",
      arn: callerArn,
      accountId: callerArn.split(":")[4],
      accessKeyId: callerAccessKeyId,
    },
    eventTime: new Date(at).toISOString().replace(/\.\d+Z$/, "Z"),
    eventSource: "sts.amazonaws.com",
    eventName: action,
    awsRegion: region,
    sourceIPAddress: "198.51.100.7",
    userAgent: "aws-sdk-js/3",
    ...(outcome !== "ok" && { errorCode: outcome }),
    requestParameters: roleArn === undefined ? null : { roleArn, roleSessionName: sessionName },
    responseElements: accessKeyId === undefined ? null : { credentials: { accessKeyId } },
    eventID: createHash("sha256").update(`${at}${callerAccessKeyId}${action}`).digest("hex").slice(0, 32),
    eventType: "AwsApiCall",
    recipientAccountId: callerArn.split(":")[4],
  };
}
