import java.nio.file.Files;
import java.nio.file.Path;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.services.sts.StsClient;

/**
 * The AWS SDK for Java 2 as an app uses it. "call": calls GetCallerIdentity; "fetch N": gets credentials N times, each
 * time from a new provider chain; "again": calls, creates AGAIN_FILE, and calls with the same client when that is gone.
 * Prints one line of JSON; on failure prints the SDK's own message and exits with 1.
 */
public final class Client {
  public static void main(String[] args) throws Exception {
    try {
      int times = args.length > 1 ? Integer.parseInt(args[1]) : 0;
      for (int time = 0; time < times; time++) {
        try (DefaultCredentialsProvider chain = DefaultCredentialsProvider.builder().build()) {
          chain.resolveCredentials();
        }
      }
      System.out.println(times > 0 ? "{\"fetches\":" + times + "}" : "{\"arn\":\"" + callerArn() + "\"}");
    } catch (RuntimeException error) {
      System.err.println(error.getMessage());
      System.exit(1);
    }
    System.exit(0);
  }

  private static String callerArn() throws Exception {
    try (StsClient sts = StsClient.builder().credentialsProvider(DefaultCredentialsProvider.builder().build()).build()) {
      String arn = sts.getCallerIdentity().arn();
      String file = System.getenv("AGAIN_FILE");
      if (file == null) return arn;
      Path path = Path.of(file);
      Files.createFile(path);
      while (Files.exists(path)) Thread.sleep(50);
      return sts.getCallerIdentity().arn();
    }
  }
}
