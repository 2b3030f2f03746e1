// The issue about a scheduled workflow that fails: one for each workflow, so that a suite that fails each night fills
// one thread. It uses the host's API alone, because the job that runs it installs no packages.

/** The label by which the issue is found again. GitHub creates it with the first issue. */
export const FAILURE_LABEL = "scheduled failure";

/** A scheduled run that failed. */
export interface FailedRun {
  /** The name of the workflow, such as "Long suites". */
  readonly workflow: string;
  readonly url: string;
  readonly commit: string;
}

export interface IssueDeps {
  /** Address of the host's REST API, such as https://api.github.com. */
  readonly api: string;
  /** "OWNER/NAME" */
  readonly repository: string;
  /** Token of the workflow, with the permission `issues: write`. */
  readonly token: string;
}

interface Issue {
  readonly html_url: string;
  readonly number: number;
  readonly title: string;
  readonly pull_request?: unknown;
}

/** Adds a comment to the open issue about this workflow, or opens one. Returns the issue's address. */
export async function reportFailure(deps: IssueDeps, run: FailedRun): Promise<string> {
  const title = `The scheduled workflow "${run.workflow}" fails`;
  const body = `[This run](${run.url}) failed at commit ${run.commit}. Close the issue when a scheduled run has passed again.`;
  const open = await callApi<readonly Issue[]>(deps, "GET", `issues?state=open&per_page=100&labels=${LABEL_QUERY}`);
  const issue = open.find((each) => each.title === title && each.pull_request === undefined);
  if (issue === undefined) {
    const created = await callApi<Issue>(deps, "POST", "issues", { title, body, labels: [FAILURE_LABEL] });
    return created.html_url;
  }
  await callApi(deps, "POST", `issues/${issue.number}/comments`, { body });
  return issue.html_url;
}

const LABEL_QUERY = encodeURIComponent(FAILURE_LABEL);
const CALL_TIMEOUT_MS = 30_000;

async function callApi<Answer>(deps: IssueDeps, method: string, path: string, body?: object): Promise<Answer> {
  const url = `${deps.api}/repos/${deps.repository}/${path}`;
  const response = await fetch(url, {
    method,
    headers: { accept: "application/vnd.github+json", authorization: `Bearer ${deps.token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
  });
  if (!response.ok) {
    throw new Error(`Cannot ${method} ${url}: status ${response.status}, ${await response.text()}; expected 2xx`);
  }
  return (await response.json()) as Answer;
}
