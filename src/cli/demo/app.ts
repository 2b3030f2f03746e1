// The demo's app container: an unmodified AWS SDK, configured by its environment alone.
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const client = new STSClient({});
const { Arn: arn, UserId: userId } = await client.send(new GetCallerIdentityCommand({}));
const { accessKeyId, expiration } = await client.config.credentials();
process.stdout.write(`${JSON.stringify({ arn, userId, accessKeyId, expiration })}\n`);
