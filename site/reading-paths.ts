// The pages of the site, as one path for each kind of reader. test/site/site.test.ts requires every page of docs/ here.

/** One page: the file that it is made from. The address follows from the file's name. */
export interface SourcePage {
  /** From the root of the repository. */
  readonly source: string;
  /** In the navigation. */
  readonly label: string;
}

/** What a reader wants, and the pages for it in the order to read them. */
export interface ReadingPath {
  readonly title: string;
  readonly question: string;
  readonly pages: readonly SourcePage[];
}

const page = (source: string, label: string): SourcePage => ({ source, label });

export const READING_PATHS: readonly ReadingPath[] = [
  {
    title: "Docs",
    question: "Which page answers my question?",
    pages: [page("docs/README.md", "All pages")],
  },
  {
    title: "Try",
    question: "Is podrole for me?",
    pages: [
      page("docs/compare.md", "Is it for me?"),
      page("README.md", "Overview"),
      page("docs/try.md", "Try it without AWS"),
      page("docs/compare-details.md", "Compare: all differences"),
    ],
  },
  {
    title: "Install",
    question: "How do I set it up?",
    pages: [
      page("docs/install.md", "Install"),
      page("docs/platforms.md", "Platforms"),
      page("docs/aws.md", "AWS"),
      page("docs/api-server.md", "The webhook's callers"),
      page("docs/pod-certificates.md", "Pod certificates"),
      page("manifests/chart/README.md", "Helm chart"),
      page("docs/configuration.md", "Settings"),
      page("docs/inject.md", "Inject in a pipeline"),
      page("docs/verify.md", "Verify a release"),
      page("docs/versioning.md", "Versions"),
    ],
  },
  {
    title: "Migrate",
    question: "How do I leave kiam or kube2iam?",
    pages: [
      page("docs/migrate.md", "Migrate"),
      page("docs/migrate-details.md", "The steps in detail"),
      page("docs/migrate-kube2iam.md", "From kube2iam"),
      page("docs/migrate-report.md", "The report"),
      page("docs/migrate-differences.md", "What differs"),
      page("docs/kiam-behaviour.md", "kiam's behaviour"),
      page("docs/leave.md", "Leave podrole"),
    ],
  },
  {
    title: "Use",
    question: "What must my app do?",
    pages: [
      page("docs/roles.md", "Roles of a pod"),
      page("docs/sdk.md", "AWS SDKs"),
      page("docs/metadata.md", "Instance metadata"),
      page("docs/sdk-conformance.md", "SDK conformance"),
    ],
  },
  {
    title: "Operate",
    question: "Is it well, and if not, why?",
    pages: [
      page("docs/operate.md", "Operate"),
      page("docs/ui.md", "The identity map"),
      page("docs/troubleshoot.md", "Troubleshoot"),
      page("docs/explain.md", "podrole explain"),
      page("docs/errors.md", "Errors"),
      page("SUPPORT.md", "Support"),
      page("docs/outages.md", "Outages"),
      page("docs/ca.md", "The CA"),
      page("docs/capacity.md", "Capacity"),
      page("docs/price.md", "Price"),
      page("docs/state.md", "The server's state"),
      page("docs/checks.md", "Checks"),
      page("docs/checks-installation.md", "Checks: installation"),
      page("docs/checks-trust.md", "Checks: trust"),
      page("docs/checks-workloads.md", "Checks: workloads"),
      page("docs/faults.md", "Faults"),
      page("docs/simulation.md", "Simulation"),
      page("docs/metrics.md", "Metrics"),
      page("docs/alerts.md", "Alerts"),
      page("test/bench/README.md", "Benchmarks"),
    ],
  },
  {
    title: "Audit and secure",
    question: "Who got what, and who could?",
    pages: [
      page("docs/audit.md", "Audit"),
      page("SECURITY.md", "Security"),
      page("docs/claims.md", "Claims"),
      page("docs/rights.md", "Rights"),
      page("docs/authorization-matrix.md", "Authorization matrix"),
      page("docs/attack.md", "Attacks"),
      page("docs/third-party.md", "Third-party packages"),
      page("docs/scorecard.md", "OpenSSF Scorecard"),
    ],
  },
  {
    title: "Extend",
    question: "How is it built?",
    pages: [
      page("ARCHITECTURE.md", "Architecture"),
      page("CONTRIBUTING.md", "Contributing"),
      page("docs/extend.md", "Where to change what"),
      page("docs/adr/README.md", "Decision records"),
      page("docs/adr/waiting-for-credentials.md", "ADR: waiting"),
      page("docs/adr/cpu-of-a-start.md", "ADR: CPU of a start"),
      page("docs/adr/cpu-of-a-call.md", "ADR: CPU of a call"),
      page("docs/adr/cpu-of-a-request.md", "ADR: CPU of a request"),
      page("docs/adr/memory-beside-bare-programs.md", "ADR: memory"),
      page("docs/adr/cpu-of-a-review.md", "ADR: a review"),
      page("docs/adr/yaml-of-the-command-line.md", "ADR: YAML"),
      page("docs/adr/cpu-of-the-simulation.md", "ADR: CPU of the simulation"),
      page("docs/adr/state-port.md", "ADR: state port"),
      page("docs/adr/identity-map.md", "ADR: identity map"),
      page("docs/release.md", "Release"),
      page("docs/roadmap.md", "Roadmap"),
      page("CHANGELOG.md", "Changelog"),
      page("docs/glossary.md", "Glossary"),
      page("GOVERNANCE.md", "Governance"),
      page("MAINTAINERS.md", "Maintainers"),
      page("CODE_OF_CONDUCT.md", "Code of conduct"),
    ],
  },
];

export const SOURCE_PAGES: readonly SourcePage[] = READING_PATHS.flatMap(({ pages }) => pages);

/** Of the pages outside docs/ that are not at the top of the repository. */
const OTHER_ADDRESSES: Readonly<Record<string, string>> = {
  "manifests/chart/README.md": "docs/chart.html",
  "test/bench/README.md": "docs/benchmarks.html",
};

/** Returns the address of a page from the site's root: "docs/install.md" → "docs/install.html". */
export function addressOf(source: string): string {
  return OTHER_ADDRESSES[source] ?? source.replace(/\.md$/, ".html").toLowerCase();
}

const LABELS: ReadonlyMap<string, string> = new Map(
  SOURCE_PAGES.flatMap(({ source, label }) =>
    source.startsWith("docs/") ? [[source, label] as const, [source.replace("docs/", ""), label] as const] : [],
  ),
);

/** Returns the text with the labels of pages in place of the names of their files, which are no names on the site. */
export function withLabels(text: string): string {
  return text.replaceAll(/(?<![\w./-])[a-z][\w/-]*\.md(?![\w/])/g, (name) => LABELS.get(name) ?? name);
}

/** The pages before and after one, as its end shows them. */
export interface Neighbours {
  readonly path: ReadingPath | undefined;
  readonly previous: NeighbourPage | undefined;
  readonly next: NeighbourPage | undefined;
}

interface NeighbourPage {
  readonly label: string;
  readonly address: string;
  /** The reading path that begins with it, if that is another one. */
  readonly begins: ReadingPath | undefined;
}

/** Returns the pages beside a page; after the last page of a path comes the first one of the next path. */
export function neighboursOf(source: string): Neighbours {
  const at = READING_PATHS.findIndex(({ pages }) => pages.some((each) => each.source === source));
  const path = READING_PATHS[at];
  const pages = path?.pages ?? [];
  const index = pages.findIndex((each) => each.source === source);
  const following = READING_PATHS[at + 1];
  const nextPath = index === pages.length - 1 ? following : undefined;
  return {
    path,
    previous: neighbourPage(pages[index - 1], undefined),
    next: neighbourPage(pages[index + 1] ?? nextPath?.pages[0], nextPath),
  };
}

function neighbourPage(page: SourcePage | undefined, begins: ReadingPath | undefined): NeighbourPage | undefined {
  return page && { label: page.label, address: addressOf(page.source), begins };
}
