import com.amazonaws.auth.DefaultAWSCredentialsProviderChain;
import com.amazonaws.client.builder.AwsClientBuilder.EndpointConfiguration;
import com.amazonaws.services.securitytoken.AWSSecurityTokenService;
import com.amazonaws.services.securitytoken.AWSSecurityTokenServiceClientBuilder;
import com.amazonaws.services.securitytoken.model.GetCallerIdentityRequest;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The AWS SDK for Java 1 as an app uses it. "call": calls GetCallerIdentity; "fetch N": gets credentials N times, each
 * time from a new provider chain; "again": calls, creates AGAIN_FILE, and calls with the same client when that is gone.
 * Prints one line of JSON; on failure prints the SDK's own message and exits with 1.
 */
public final class Client {
  public static void main(String[] args) throws Exception {
    try {
      int times = args.length > 1 ? Integer.parseInt(args[1]) : 0;
      for (int time = 0; time < times; time++) new DefaultAWSCredentialsProviderChain().getCredentials();
      System.out.println(times > 0 ? "{\"fetches\":" + times + "}" : "{\"arn\":\"" + callerArn() + "\"}");
    } catch (RuntimeException error) {
      System.err.println(error.getMessage());
      System.exit(1);
    }
    System.exit(0);
  }

  private static String callerArn() throws Exception {
    // This SDK does not read AWS_ENDPOINT_URL_STS.
    EndpointConfiguration endpoint =
        new EndpointConfiguration(System.getenv("AWS_ENDPOINT_URL_STS"), System.getenv("AWS_REGION"));
    AWSSecurityTokenService sts =
        AWSSecurityTokenServiceClientBuilder.standard().withEndpointConfiguration(endpoint).build();
    String arn = sts.getCallerIdentity(new GetCallerIdentityRequest()).getArn();
    String file = System.getenv("AGAIN_FILE");
    if (file == null) return arn;
    Path path = Path.of(file);
    Files.createFile(path);
    while (Files.exists(path)) Thread.sleep(50);
    return sts.getCallerIdentity(new GetCallerIdentityRequest()).getArn();
  }
}
