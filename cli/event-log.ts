import type { GatewayEvent } from "../gateway/index.ts";
import { printEvent } from "./gateway-events.ts";
import type { Session } from "./verb.ts";

/** Octets of events that wait for whoever reads them. */
const maximumBacklog = 8 * 1024 * 1024;

/**
 * A running gateway's events on stdout. Peers make events, so what waits for a reader that stopped is bounded, and a
 * log on a full disk does not end the gateway: events are lost then, and that is said.
 */
export class EventLog {
  readonly #session: Session;
  #lost = 0;
  #failed = false;

  constructor(session: Session) {
    this.#session = session;
    session.io.onLostOutput?.((error) => {
      const code = error.code ?? error.message;
      if (!this.#failed)
        session.out.note(`events cannot be written (${code}): some are lost, the gateway goes on`);
      this.#failed = true;
    });
  }

  write(event: GatewayEvent): void {
    const { io, out } = this.#session;
    if ((io.stdout.writableLength ?? 0) > maximumBacklog) {
      this.#lost += 1;
      return;
    }
    if (this.#lost > 0) {
      const detail = `${this.#lost} events before this one were not written: nobody read them`;
      printEvent(out, { type: "warning", detail }, io.now());
      this.#lost = 0;
    }
    printEvent(out, event, io.now());
  }
}
