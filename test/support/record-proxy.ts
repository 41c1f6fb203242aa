import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Rewrites the client's TLS records on their way: gets those that have not gone out yet, gives those that shall. */
export type Rewrite = (records: Buffer[]) => Buffer[];

/** A man in the middle who holds no key: it sees TLS records and may drop, change, repeat or reorder the client's. */
export interface RecordProxy extends AsyncDisposable {
  readonly port: number;
  /** From now on; until then records pass as they are. */
  rewrite: Rewrite | undefined;
  /** Client records of application data that have passed, or were handed to `rewrite`. */
  readonly seen: number;
}

export async function startRecordProxy(target: number): Promise<RecordProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
    }
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
    upstream.pipe(client);
    let pending: Buffer = Buffer.alloc(0);
    let held: Buffer[] = [];
    client.on("data", (chunk: Buffer) => {
      const { records, rest } = recordsIn(Buffer.concat([pending, chunk]));
      pending = rest;
      seen += records.filter((record) => record[0] === 23).length;
      if (proxy.rewrite === undefined) return void upstream.write(Buffer.concat(records));
      const out = proxy.rewrite([...held, ...records]);
      held = out.length === 0 ? [...held, ...records] : [];
      upstream.write(Buffer.concat(out));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  let seen = 0;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { port } = server.address() as AddressInfo;
  const proxy: RecordProxy = {
    port,
    rewrite: undefined,
    get seen() {
      return seen;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
  return proxy;
}

function recordsIn(bytes: Buffer): { records: Buffer[]; rest: Buffer } {
  const records: Buffer[] = [];
  let at = 0;
  while (bytes.length - at >= 5 && bytes.length - at >= 5 + bytes.readUInt16BE(at + 3)) {
    const end = at + 5 + bytes.readUInt16BE(at + 3);
    records.push(bytes.subarray(at, end));
    at = end;
  }
  return { records, rest: bytes.subarray(at) };
}
