import { type ConnectionOptions, connect } from "node:tls";

/** A handshake that is to fail; says how it ended on this side. */
export async function failingHandshake(options: ConnectionOptions): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(options);
    socket.once("secureConnect", () => resolve("connected"));
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once("close", () => resolve("closed"));
  });
}
