/** Node's flags in Dockerfile.sidecar. */
export const IMAGE_FLAGS = ["--disable-sigusr1", "--use-openssl-ca", "--max-semi-space-size=1"];
