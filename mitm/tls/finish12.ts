import type { Keys12 } from "./keys12.ts";
import type { HandshakeMessage } from "./message-reader.ts";
import { finished, type MessageBody } from "./messages.ts";
import { HandshakeType } from "./numbers.ts";
import { checkFinished } from "./proofs.ts";
import type { TlsEnd } from "./tls-end.ts";

/** The own ChangeCipherSpec and Finished; answers verify_data as it should have been. */
export function sendFinish12(end: TlsEnd, keys: Keys12): Uint8Array {
  end.records.nextWrite = keys.own;
  end.emitChangeCipherSpec();
  const verifyData = keys.verifyData(end.role);
  end.emit(finished(verifyData));
  // Without a ChangeCipherSpec, Finished went out in clear; what follows goes as if there had been one.
  end.switchWriteKeys();
  return verifyData;
}

/**
 * The peer's ChangeCipherSpec and Finished. `before` may come first, once each, as NewSessionTicket does. Answers
 * verify_data as it should have been.
 */
export async function receiveFinish12(
  end: TlsEnd,
  keys: Keys12,
  onMessage?: { readonly msgType: number; readonly take: (message: HandshakeMessage) => void },
): Promise<Uint8Array> {
  const peer = end.role === "client" ? "server" : "client";
  const inClear = !end.holds("change-cipher-spec-not-required");
  const types: number[] = onMessage === undefined ? [] : [onMessage.msgType];
  if (inClear) types.push(HandshakeType.finished);
  for (;;) {
    const next = await end.expect(types, { changeCipherSpec: true });
    if (next === "application data") continue;
    if (next !== "ChangeCipherSpec" && next.msgType !== HandshakeType.finished) {
      onMessage?.take(next);
      end.taken(next);
      types.splice(0, 1);
      continue;
    }
    const expected = keys.verifyData(peer);
    let last = next;
    if (next === "ChangeCipherSpec") {
      end.changeReadKeys(keys.peer);
      const applicationData = !end.holds("finished-not-required");
      const after = await end.expect([HandshakeType.finished], { applicationData });
      // A peer that leaves out Finished: the session is open all the same.
      if (typeof after === "string") return expected;
      last = after;
    } else {
      end.changeReadKeys(keys.peer);
    }
    if (typeof last === "string") continue;
    checkFinished(end, last, expected);
    end.taken(last);
    return expected;
  }
}

/** Finished over the transcript as it is now, for who sends it by hand. */
export function finished12(keys: Keys12, sender: "client" | "server"): MessageBody {
  return finished(keys.verifyData(sender));
}
