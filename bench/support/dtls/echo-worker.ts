/* oxlint-disable unicorn/require-post-message-target-origin -- these ports are threads, not windows */
/** One of the threads of our echo server. */
import { parentPort, workerData } from "node:worker_threads";
import { workerPlace } from "../../../dtls/index.ts";
import { listenAndEcho } from "./echo-endpoint.ts";

await listenAndEcho({ ...workerData, worker: workerPlace() });
parentPort?.postMessage("ready");
