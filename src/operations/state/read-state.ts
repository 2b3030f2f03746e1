// Reads the server's state for an operator's command. The operator's own token goes to the API server alone: it
// requests a token of ServiceAccount podrole-reader, and only that one is shown to podrole's server, through the API
// server's proxy. Each replica knows the pods that called it, so every replica is read, by the proxy to its pod;
// without the right to that, the proxy to the Service is called several times, because it reaches another replica each
// time.
import { ApiError, isApiUnreachable } from "../../kubernetes/errors.ts";
import type { Pod } from "../../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { type DecodedPage, decodeStatePage } from "../../protocol/state/decode.ts";
import { mergeStatePages } from "../../protocol/state/merge.ts";
import { type ClusterState, STATE_PATH, STATE_TOKEN_HEADER } from "../../protocol/state/model.ts";
import { parseObject } from "../../runtime/json-object.ts";
import { failure, type Result, success } from "../../runtime/result.ts";
import type { Secret } from "../../runtime/secret.ts";

/** What reading the state calls. */
export interface ReadStateDeps {
  readonly kubernetes: Pick<OperatorKubernetes, "requestToken" | "readProxied" | "listAll">;
}

/** Whose state to read, and where the server runs. */
export interface ReadStateOptions {
  /** podrole's own. */
  readonly podroleNamespace: string;
  /** Only this namespace's pods and refusals; absent: the whole cluster. */
  readonly namespace?: string;
  /** Audience of tokens for podrole: the server's setting. */
  readonly audience?: string;
}

/** The state, and what it may lack. */
export interface StateRead {
  readonly state: ClusterState;
  /** Names of running replicas that did not answer, each with the reason. */
  readonly silent: readonly { readonly replica: string; readonly problem: string }[];
  /** True if every running replica answered; false also if the caller may not list them. */
  readonly isComplete: boolean;
  /** Rows of the answers that do not have their form. */
  readonly ignored: number;
}

/** Why the state cannot be told. */
export interface StateProblem {
  /**
   * "right": the caller or the reader lacks a right. "absent": this installation has no reader or no state port, as
   * that of an earlier version. "unreachable": the API server does not reach the server. "answer": the server's answer
   * is unusable, for example of a newer version.
   */
  readonly kind: "right" | "absent" | "unreachable" | "answer";
  /** Continues "cannot tell what pods hold: ". */
  readonly text: string;
}

const READER = "podrole-reader";
const SERVER_SERVICE = "https:podrole-server:state";
const SERVER_PODS = { labelSelector: "app.kubernetes.io/name=podrole-server" };
/** The shortest lifetime that the API server accepts. */
const READER_TOKEN_SECONDS = 600;
/** More than 20 000 pods have. */
const MAX_STATE_PAGES = 64;
/** With two replicas, one stays unseen in one of 64 commands. */
const MAX_SERVICE_READS = 7;

/**
 * Reads and merges the answers of all replicas; the problem is why there is none. Throws ApiError only if the API
 * server cannot be reached, or does not know the caller.
 */
export async function readServerState(
  { kubernetes }: ReadStateDeps,
  options: ReadStateOptions,
): Promise<Result<StateRead, StateProblem>> {
  const token = await readerToken(kubernetes, options);
  if (!token.ok) return token;
  const { podroleNamespace, namespace } = options;
  const replicas = await runningReplicas(kubernetes, podroleNamespace);
  const read = (target: ProxyTarget) => readAllPages(kubernetes, { token: token.value, target, namespace });
  const direct = await readReplicas(replicas, (pod) =>
    read({ resource: "pods", namespace: podroleNamespace, name: `https:${pod.name}:${pod.port}` }),
  );
  if (direct.pages.length > 0) return mergedState(direct.pages, direct.silent, direct.silent.length === 0);
  const service = { resource: "services", namespace: podroleNamespace, name: SERVER_SERVICE } as const;
  const behind = await readService(() => read(service), replicas?.length);
  if (!behind.ok) return behind;
  const seen = new Set(behind.value.map(({ page }) => page.replica.name));
  const unseen = (replicas ?? []).filter(({ name }) => !seen.has(name));
  const silent = unseen.map(({ name }) => ({ replica: name, problem: "the Service's proxy did not reach it" }));
  return mergedState(behind.value, silent, replicas !== undefined && unseen.length === 0);
}

interface ProxyTarget {
  readonly resource: "pods" | "services";
  readonly namespace: string;
  readonly name: string;
}

interface Replica {
  readonly name: string;
  readonly port: number;
}

type PagesRead = Result<readonly DecodedPage[], StateProblem>;

function mergedState(
  pages: readonly DecodedPage[],
  silent: StateRead["silent"],
  isComplete: boolean,
): Result<StateRead, StateProblem> {
  const state = mergeStatePages(pages.map(({ page }) => page));
  if (state === undefined) return failure({ kind: "answer", text: "the server's answer is empty" });
  const ignored = pages.reduce((sum, page) => sum + page.ignored, 0);
  return success({ state, silent, isComplete, ignored });
}

/**
 * The token of the reader of the cluster, or of the namespace's own if that is permitted and the other is not. The
 * namespace's comes second: whoever may create a ServiceAccount in it chooses whether it has the right.
 */
async function readerToken(
  kubernetes: Pick<OperatorKubernetes, "requestToken">,
  { podroleNamespace, namespace, audience = "podrole.io" }: ReadStateOptions,
): Promise<Result<Secret, StateProblem>> {
  const accounts = [podroleNamespace, ...(namespace === undefined ? [] : [namespace])];
  const problems: StateProblem[] = [];
  for (const account of accounts) {
    try {
      const reader = { namespace: account, name: READER };
      return success(await kubernetes.requestToken(reader, { audience, lifetimeSeconds: READER_TOKEN_SECONDS }));
    } catch (error) {
      if (isApiUnreachable(error) || !(error instanceof ApiError)) throw error;
      problems.push(tokenProblem(error, account));
    }
  }
  return failure(problems.find(({ kind }) => kind === "right") ?? problems[0] ?? NO_READER);
}

function tokenProblem({ status, message }: ApiError, namespace: string): StateProblem {
  if (status === 403) {
    return { kind: "right", text: `needs create on serviceaccounts/token ${READER} in ${namespace}` };
  }
  if (status === 404)
    return {
      kind: "absent",
      text: `there is no ServiceAccount ${READER} in ${namespace} (kubectl apply -f manifests/base/readers.yaml, or helm upgrade with the chart of podrole, creates it)`,
    };
  return { kind: "unreachable", text: message };
}

const NO_READER: StateProblem = { kind: "absent", text: `there is no ServiceAccount ${READER}` };

/** Undefined if the caller may not list them. */
async function runningReplicas(
  kubernetes: Pick<OperatorKubernetes, "listAll">,
  namespace: string,
): Promise<readonly Replica[] | undefined> {
  try {
    const pods = await kubernetes.listAll<Pod>("pods", { namespace, ...SERVER_PODS });
    return pods.flatMap(({ metadata, spec, status }) => {
      const port = spec.containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === "state");
      const isRunning = status?.phase === "Running" && metadata.deletionTimestamp === undefined;
      return isRunning && port ? [{ name: metadata.name ?? "", port: port.containerPort }] : [];
    });
  } catch (error) {
    if (isApiUnreachable(error) || !(error instanceof ApiError)) throw error;
    return undefined;
  }
}

async function readReplicas(replicas: readonly Replica[] | undefined, read: (replica: Replica) => Promise<PagesRead>) {
  const answers = await Promise.all(
    (replicas ?? []).map(async (replica) => ({ replica: replica.name, read: await read(replica) })),
  );
  return {
    pages: answers.flatMap((answer) => (answer.read.ok ? answer.read.value : [])),
    silent: answers.flatMap((answer) =>
      answer.read.ok ? [] : [{ replica: answer.replica, problem: answer.read.problem.text }],
    ),
  };
}

/** Stops early once as many replicas have answered as there are. */
async function readService(read: () => Promise<PagesRead>, replicas: number | undefined): Promise<PagesRead> {
  const pages = new Map<string, readonly DecodedPage[]>();
  let problem: StateProblem | undefined;
  for (let reads = 0; reads < MAX_SERVICE_READS; reads++) {
    if (pages.size > 0 && pages.size === replicas) break;
    const answer = await read();
    if (!answer.ok) {
      problem = answer.problem;
      break;
    }
    const [first] = answer.value;
    // Later pages may be of another replica, so an answer counts for the one of its first page.
    if (first) pages.set(first.page.replica.name, answer.value);
  }
  const found = [...pages.values()].flat();
  return found.length === 0 && problem ? failure(problem) : success(found);
}

async function readAllPages(
  kubernetes: Pick<OperatorKubernetes, "readProxied">,
  {
    token,
    target,
    namespace,
  }: { readonly token: Secret; readonly target: ProxyTarget; readonly namespace?: string | undefined },
): Promise<PagesRead> {
  const pages: DecodedPage[] = [];
  let next: string | undefined;
  for (let count = 0; count < MAX_STATE_PAGES; count++) {
    const query = { namespace, continue: next };
    const headers = { [STATE_TOKEN_HEADER]: token.reveal() };
    const answer = await readOnePage(kubernetes, target, { path: STATE_PATH, query, headers });
    if (!answer.ok) return answer;
    pages.push(answer.value);
    next = answer.value.page.next;
    if (next === undefined) return success(pages);
  }
  return failure({ kind: "answer", text: `the server's answer has more than ${MAX_STATE_PAGES} pages` });
}

async function readOnePage(
  kubernetes: Pick<OperatorKubernetes, "readProxied">,
  target: ProxyTarget,
  call: Parameters<OperatorKubernetes["readProxied"]>[1],
): Promise<Result<DecodedPage, StateProblem>> {
  try {
    const { status, text } = await kubernetes.readProxied(target, call);
    if (status !== 200) return failure(pageProblem(status, text, target));
    const decoded = decodeStatePage(text);
    return decoded.ok ? decoded : failure({ kind: "answer", text: `the server's answer ${decoded.problem}` });
  } catch (error) {
    // The API server has answered before; what hangs now is this replica.
    if (!(error instanceof ApiError)) throw error;
    return failure({ kind: "unreachable", text: error.message });
  }
}

/** The API server answers with a Status of its own where podrole's server has not answered. */
function pageProblem(status: number, text: string, { resource, namespace, name }: ProxyTarget): StateProblem {
  const { kind, code, message } = parseObject(text) ?? {};
  if (kind === "Status") {
    if (status === 403) return { kind: "right", text: `needs get on ${resource}/proxy ${name} in ${namespace}` };
    if (status === 404)
      return { kind: "absent", text: `there is no ${resource.slice(0, -1)} for ${name} in ${namespace}` };
    return { kind: "unreachable", text: `the API server does not reach the server's state port: ${cutText(message)}` };
  }
  if (code === "READER_FORBIDDEN") return { kind: "right", text: cutText(message) };
  if (code === "PATH_UNKNOWN") return { kind: "absent", text: "the server has no state port" };
  return { kind: "answer", text: `the server answered ${status}: ${cutText(message ?? text)}` };
}

function cutText(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 300) : "it gave no reason";
}
