/* oxlint-disable unicorn/require-post-message-target-origin -- this port is a thread, not a window */
import { parentPort, workerData } from "node:worker_threads";
import { listen, workerPlace } from "../../../dtls/index.ts";

/** What a test puts into the data of this worker. */
export interface EchoWorkerData {
  readonly port: number;
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** Answers with its number and what it was told; "die" ends the thread. */
const { port, cert, key, ca }: EchoWorkerData = workerData;
const worker = workerPlace();
const endpoint = listen(
  (session) => {
    session.on("message", (message) => {
      const text = Buffer.from(message).toString();
      if (text === "die") process.exit(1);
      session.send(`${worker.index} ${text}`);
    });
  },
  { port, cert, key, ca, worker },
);
parentPort?.on("message", () => parentPort?.postMessage({ stats: endpoint.stats }));
parentPort?.unref();
await endpoint.ready;
parentPort?.postMessage({ listening: worker.index });
