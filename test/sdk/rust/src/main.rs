//! The AWS SDK for Rust as an app uses it. "call": calls GetCallerIdentity; "fetch N": gets credentials N times, each time
//! from a new provider chain; "again": calls, creates AGAIN_FILE, and calls with the same client when that is gone. Prints
//! one line of JSON; on failure prints the SDK's own message and exits with 1.
use std::{env, error::Error, fs, path::Path, process::ExitCode, time::Duration};

use aws_config::BehaviorVersion;
use aws_sdk_sts::{
    Client,
    config::ProvideCredentials,
    error::{DisplayErrorContext, SdkError},
    operation::get_caller_identity::GetCallerIdentityError,
};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", DisplayErrorContext(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<String, Box<dyn Error>> {
    let times: usize = env::args().nth(2).map_or(Ok(0), |text| text.parse())?;
    for _ in 0..times {
        let chain = aws_config::load_defaults(BehaviorVersion::latest()).await;
        let provider = chain.credentials_provider().ok_or("the chain has no provider")?;
        provider.provide_credentials().await?;
    }
    if times > 0 {
        return Ok(format!("{{\"fetches\":{times}}}"));
    }
    let client = Client::new(&aws_config::load_defaults(BehaviorVersion::latest()).await);
    let mut arn = caller_arn(&client).await?;
    if let Ok(file) = env::var("AGAIN_FILE") {
        fs::write(&file, "")?;
        while Path::new(&file).exists() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        arn = caller_arn(&client).await?;
    }
    Ok(format!("{{\"arn\":\"{arn}\"}}"))
}

async fn caller_arn(client: &Client) -> Result<String, SdkError<GetCallerIdentityError>> {
    let identity = client.get_caller_identity().send().await?;
    Ok(identity.arn().unwrap_or_default().to_owned())
}
