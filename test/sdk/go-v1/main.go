// The AWS SDK for Go v1 as an app uses it. "call": calls GetCallerIdentity; "fetch N": gets credentials N times, each time
// from a new provider chain; "again": calls, creates AGAIN_FILE, and calls with the same client when that is gone. Prints
// one line of JSON; on failure prints the SDK's own message and exits with 1.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/sts"
)

func main() {
	times := 0
	if len(os.Args) > 2 {
		times, _ = strconv.Atoi(os.Args[2])
	}
	result, err := run(times)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(result)
}

func run(times int) (map[string]any, error) {
	for range times {
		chain, err := session.NewSession()
		if err != nil {
			return nil, err
		}
		if _, err := chain.Config.Credentials.Get(); err != nil {
			return nil, err
		}
	}
	if times > 0 {
		return map[string]any{"fetches": times}, nil
	}
	current, err := session.NewSession()
	if err != nil {
		return nil, err
	}
	// This SDK does not read AWS_ENDPOINT_URL_STS.
	client := sts.New(current, &aws.Config{Endpoint: aws.String(os.Getenv("AWS_ENDPOINT_URL_STS"))})
	identity, err := client.GetCallerIdentity(&sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, err
	}
	if file := os.Getenv("AGAIN_FILE"); file != "" {
		if err := waitUntilRemoved(file); err != nil {
			return nil, err
		}
		if identity, err = client.GetCallerIdentity(&sts.GetCallerIdentityInput{}); err != nil {
			return nil, err
		}
	}
	return map[string]any{"arn": *identity.Arn}, nil
}

// Creates the file and returns when another process has removed it.
func waitUntilRemoved(file string) error {
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		return err
	}
	for {
		if _, err := os.Stat(file); err != nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
}
