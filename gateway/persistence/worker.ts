import { parentPort, workerData } from "node:worker_threads";
import { GatewayError, type GatewayErrorCode } from "../errors.ts";
import { Database, type DatabaseOptions } from "./database.ts";
import type { Operation, StoredContents } from "./operations.ts";

/** The thread that owns the file: one message in is one transaction, one message out says that it is durable. */
export type ToWorker = { readonly apply: readonly Operation[] } | { readonly close: true };
export type FromWorker =
  | { readonly opened: StoredContents }
  | { readonly applied: true }
  | { readonly closed: true }
  | { readonly failed: { readonly code: GatewayErrorCode; readonly message: string } };
export interface WorkerInput extends DatabaseOptions {
  readonly path: string;
  readonly now: number;
}

const port = parentPort;
if (port !== null) {
  try {
    const input: WorkerInput = workerData;
    const database = new Database(input.path, input);
    post({ opened: database.contents(input.now) });
    port.on("message", (message: ToWorker) => {
      try {
        if ("apply" in message) {
          database.apply(message.apply);
          post({ applied: true });
        } else {
          database.close();
          post({ closed: true });
          port.close();
        }
      } catch (error) {
        fail(error);
      }
    });
  } catch (error) {
    fail(error);
  }
}

function post(message: FromWorker): void {
  port?.postMessage(message);
}

/** Fails closed: after the first error nothing more is written, so that no later batch outlives an earlier one. */
function fail(error: unknown): void {
  const code = error instanceof GatewayError ? error.code : "GATEWAY_STATE_FAILED";
  post({ failed: { code, message: error instanceof Error ? error.message : String(error) } });
  port?.close();
}
