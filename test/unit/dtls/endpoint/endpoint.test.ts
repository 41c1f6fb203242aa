import { describe, expect, test, vi } from "vitest";
import { DTLSEndpoint, type EndpointWorks } from "../../../../dtls/endpoint/endpoint.ts";
import { newStats } from "../../../../dtls/endpoint/stats.ts";
import { DtlsError } from "../../../../dtls/errors.ts";

function endpointOf(over: Partial<EndpointWorks> = {}): DTLSEndpoint {
  return new DTLSEndpoint({
    stats: newStats(0),
    sessions: [],
    isFull: false,
    refusesAll: false,
    receive: () => undefined,
    recheck: async () => undefined,
    exportAssociations: () => new Uint8Array(),
    end: () => undefined,
    ...over,
  });
}

const from = { address: "192.0.2.1", port: 1 };

describe("nothing gets out of the socket's handler (D6, I)", () => {
  const broken = endpointOf({
    receive: () => {
      throw new Error("a mistake of ours");
    },
  });

  test("an exception goes to the listener for errors", () => {
    const errors: unknown[] = [];
    broken.on("error", (error) => errors.push(error));
    broken.receive(new Uint8Array(), from);
    expect(errors).toMatchObject([{ message: "a mistake of ours" }]);
    broken.removeAllListeners();
  });

  test("without one, or when that throws too, it is a warning of the process", () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    broken.receive(new Uint8Array(), from);
    broken.on("error", () => {
      throw new Error("again");
    });
    broken.receive(new Uint8Array(), from);
    expect(warn).toHaveBeenCalledTimes(2);
    warn.mockRestore();
  });

  test("whatever is thrown can be told, also what has no text (I)", () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const endpoint = endpointOf();
    const odd: unknown[] = [Object.create(null), () => 1, Symbol("s"), undefined, null, "text"];
    for (const thrown of odd) endpoint.report(thrown);
    expect(warn).toHaveBeenCalledTimes(odd.length);
    expect(warn.mock.calls.every(([warning]) => warning instanceof Error)).toBe(true);
    warn.mockRestore();
  });
});

test("it ends once, however often it is told", async () => {
  const end = vi.fn<EndpointWorks["end"]>();
  const endpoint = endpointOf({ end });
  const closes = vi.fn<() => void>();
  endpoint.on("close", closes);
  await Promise.all([endpoint.close(), endpoint.close(), endpoint[Symbol.asyncDispose]()]);
  endpoint.destroy(new DtlsError("DTLS_CLOSED", "again"));
  await endpoint.closed;
  expect(end).toHaveBeenCalledOnce();
  expect(closes).toHaveBeenCalledOnce();
  await expect(endpoint.ready).rejects.toMatchObject({ code: "DTLS_CLOSED" });
});

test("an endpoint that failed says so in `ready` and `closed`", async () => {
  const endpoint = endpointOf();
  endpoint.failed(new DtlsError("DTLS_LISTEN_FAILED", "taken"));
  await expect(endpoint.ready).rejects.toMatchObject({ code: "DTLS_LISTEN_FAILED" });
  await expect(endpoint.closed).rejects.toMatchObject({ code: "DTLS_LISTEN_FAILED" });
});

test("nothing is exported from an endpoint that is closed: its associations have said good-bye (U3)", async () => {
  const endpoint = endpointOf();
  await endpoint.close();
  await expect(endpoint.exportAssociations(new Uint8Array(32))).rejects.toMatchObject({
    code: "DTLS_CLOSED",
  });
});
