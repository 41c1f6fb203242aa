import type { CommitLog } from "./commit-log.ts";
import type { StoredContents } from "./operations.ts";
import { asPayload } from "./payload.ts";
import type { NewMessage } from "./session.ts";

/** A will as aedes hands it in and wants it back. */
export interface Will extends NewMessage {
  readonly retain: boolean;
  readonly clientId: string;
  readonly brokerId: string;
}

/** The wills of connected clients, and those that an earlier process left behind. */
export class Wills {
  readonly #byClient = new Map<string, Will>();
  readonly #log: Pick<CommitLog, "append">;

  constructor(log: Pick<CommitLog, "append">) {
    this.#log = log;
  }

  get count(): number {
    return this.#byClient.size;
  }

  all(): Will[] {
    return [...this.#byClient.values()];
  }

  get(clientId: string): Will | undefined {
    return this.#byClient.get(clientId);
  }

  put(will: Will): void {
    // Deleted first: as in the file, a will that is replaced becomes the newest.
    this.#byClient.delete(will.clientId);
    this.#byClient.set(will.clientId, will);
    const { clientId, brokerId, topic, payload, qos, retain } = will;
    this.#log.append(["putWill", clientId, brokerId, topic, payload, qos, Number(retain)]);
  }

  drop(clientId: string): Will | undefined {
    const will = this.#byClient.get(clientId);
    if (will === undefined) return undefined;
    this.#byClient.delete(clientId);
    this.#log.append(["dropWill", clientId]);
    return will;
  }

  load(rows: StoredContents["wills"]): void {
    for (const { client, broker, topic, payload, qos, retain } of rows) {
      const packet = { topic, payload: asPayload(payload), qos, retain: retain === 1 };
      this.#byClient.set(client, { ...packet, brokerId: broker, clientId: client });
    }
  }
}
