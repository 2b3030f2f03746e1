// minio-go as an app uses it: an S3 client that is no AWS SDK and has its own search for credentials. "call": gets
// credentials and calls GetCallerIdentity with them, which minio-go has no function for; "fetch N": gets credentials N
// times, each time from a new provider; "again": calls, creates AGAIN_FILE, and calls with the same provider, and expired
// credentials, when that is gone. Prints one line of JSON; on failure prints the client's own message and exits with 1.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/signer"
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
		if _, err := credentials.NewIAM("").GetWithContext(nil); err != nil {
			return nil, err
		}
	}
	if times > 0 {
		return map[string]any{"fetches": times}, nil
	}
	provider := credentials.NewIAM("")
	arn, err := callerArn(provider)
	if err != nil {
		return nil, err
	}
	if file := os.Getenv("AGAIN_FILE"); file != "" {
		if err := waitUntilRemoved(file); err != nil {
			return nil, err
		}
		provider.Expire()
		if arn, err = callerArn(provider); err != nil {
			return nil, err
		}
	}
	return map[string]any{"arn": arn}, nil
}

func callerArn(provider *credentials.Credentials) (string, error) {
	value, err := provider.GetWithContext(nil)
	if err != nil {
		return "", err
	}
	body := "Action=GetCallerIdentity&Version=2011-06-15"
	request, err := http.NewRequest(http.MethodPost, os.Getenv("AWS_ENDPOINT_URL_STS")+"/", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256([]byte(body))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(digest[:]))
	request.Header.Set("X-Amz-Security-Token", value.SessionToken)
	signed := signer.SignV4STS(*request, value.AccessKeyID, value.SecretAccessKey, os.Getenv("AWS_REGION"))
	response, err := http.DefaultClient.Do(signed)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	found := regexp.MustCompile("<Arn>([^<]+)</Arn>").FindSubmatch(text)
	if found == nil {
		return "", fmt.Errorf("GetCallerIdentity: %s: %s", response.Status, text)
	}
	return string(found[1]), nil
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
