// What the job "report" of a scheduled workflow runs if another job has failed, by the Node of the runner. The
// variables are those that GitHub sets for each job, and GITHUB_TOKEN, which the job sets.
import { reportFailure } from "./failure-issue.ts";

const { GITHUB_API_URL: api = "", GITHUB_REPOSITORY: repository = "", GITHUB_TOKEN: token = "" } = process.env;
const { GITHUB_SERVER_URL: server = "", GITHUB_RUN_ID: id = "" } = process.env;
const { GITHUB_WORKFLOW: workflow = "", GITHUB_SHA: commit = "" } = process.env;

const run = { workflow, commit, url: `${server}/${repository}/actions/runs/${id}` };
console.log(await reportFailure({ api, repository, token }, run));
