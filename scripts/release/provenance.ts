// Where and from what a release was built, as SLSA provenance. It names no time and no machine, so two builds of a
// commit write the same bytes. (https://slsa.dev/spec/v1.0/provenance)

/** A file or an image, and its SHA-256 digest as hexadecimal digits. */
export interface ProvenanceSubject {
  readonly name: string;
  readonly sha256: string;
}

/** What decides about a release's bytes. */
export interface BuildInputs {
  readonly version: string;
  /** Commit of the sources. */
  readonly revision: string;
  /** Files of the sources that pin everything else by hash, with their digests. */
  readonly locks: readonly ProvenanceSubject[];
  /** Packages of the images' base, as package URLs. (https://github.com/package-url/purl-spec) */
  readonly basePackages: readonly string[];
}

/** Returns the predicate, as `cosign attest --type slsaprovenance1` takes it. */
export function provenancePredicate({ version, revision, locks, basePackages }: BuildInputs): object {
  return {
    buildDefinition: {
      buildType: "https://podrole.io/release/v1",
      externalParameters: { command: "npm run release:dry", version },
      internalParameters: {},
      resolvedDependencies: [
        { uri: "git+https://podrole.io/podrole", digest: { gitCommit: revision } },
        ...locks.map(({ name, sha256 }) => ({ name, digest: { sha256 } })),
        ...basePackages.map((uri) => ({ uri })),
      ],
    },
    runDetails: { builder: { id: "https://podrole.io/release/v1/local" } },
  };
}

/**
 * Returns the statement about files and images. (https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md)
 */
export function provenanceStatement(subjects: readonly ProvenanceSubject[], inputs: BuildInputs): object {
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: subjects.map(({ name, sha256 }) => ({ name, digest: { sha256 } })),
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: provenancePredicate(inputs),
  };
}
