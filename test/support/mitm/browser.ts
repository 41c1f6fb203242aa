import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const browserProgram = "chromium";

/** So wide and with this scheme a page is looked at. */
export interface Look {
  readonly width: number;
  readonly scheme: "light" | "dark";
  /** Default true. */
  readonly javaScript?: boolean;
}

/** What a page did while it was open. */
export interface Visit {
  /** Messages of the console that are errors, exceptions that nobody caught, and what the policy refused. */
  readonly complaints: readonly string[];
  /** Addresses that were asked for, the page itself not among them. */
  readonly requests: readonly string[];
  /** The value of an expression in the page. */
  evaluate(expression: string): Promise<unknown>;
  /** A PNG of all of it, or of the `height` pixels from `y` on. */
  screenshot(y?: number, height?: number): Promise<Buffer>;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
  readonly sessionId?: string;
}

/** A browser without a window, spoken to over a pipe (Chrome DevTools Protocol). */
export class Browser implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #listeners = new Set<(message: Message) => void>();
  #serial = 0;
  #rest = "";

  constructor() {
    this.#profile = mkdtempSync(join(tmpdir(), "sallyport-browser-"));
    const offline =
      "--disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";
    const options =
      "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars --remote-debugging-pipe";
    this.#process = spawn(
      browserProgram,
      [...options.split(" "), ...offline.split(" "), `--user-data-dir=${this.#profile}`, "about:blank"],
      {
        stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
        timeout: 55_000,
      },
    );
    this.#process.stdio[4]?.on("data", (chunk: Buffer) => this.#read(chunk.toString("utf8")));
  }

  /** Opens a page, waits until it has loaded, and hands it to `look`. */
  async visit<T>(url: string, look: Look, use: (visit: Visit) => Promise<T>): Promise<T> {
    const { targetId } = await this.#call("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.#call("Target.attachToTarget", { targetId, flatten: true });
    const call = (method: string, params: Record<string, unknown> = {}) =>
      this.#call(method, params, String(sessionId));
    const complaints: string[] = [];
    const requests: string[] = [];
    const loaded = Promise.withResolvers<void>();
    const listener = ({ sessionId: from, method, params = {} }: Message) => {
      if (from !== sessionId) return;
      if (method === "Page.loadEventFired") loaded.resolve();
      if (method === "Runtime.exceptionThrown" || method === "Log.entryAdded")
        complaints.push(JSON.stringify(params));
      if (method === "Runtime.consoleAPICalled" && params["type"] === "error")
        complaints.push(JSON.stringify(params));
      if (method === "Network.requestWillBeSent") requests.push(addressOf(params["request"]));
    };
    this.#listeners.add(listener);
    try {
      for (const domain of ["Page", "Runtime", "Log", "Network"]) await call(`${domain}.enable`);
      await call("Emulation.setDeviceMetricsOverride", {
        width: look.width,
        height: 900,
        deviceScaleFactor: 1,
        mobile: look.width < 600,
      });
      await call("Emulation.setEmulatedMedia", {
        features: [{ name: "prefers-color-scheme", value: look.scheme }],
      });
      if (look.javaScript === false) await call("Emulation.setScriptExecutionDisabled", { value: true });
      await call("Page.navigate", { url });
      await loaded.promise;
      return await use({
        complaints,
        get requests() {
          return requests.filter((address) => address !== url && !address.startsWith("data:"));
        },
        evaluate: async (expression) => {
          const { result } = await call("Runtime.evaluate", {
            expression,
            returnByValue: true,
            awaitPromise: true,
          });
          return typeof result === "object" && result !== null && "value" in result
            ? result.value
            : undefined;
        },
        screenshot: async (y = 0, height) => {
          const clip = height === undefined ? {} : { clip: { x: 0, y, width: look.width, height, scale: 1 } };
          const { data } = await call("Page.captureScreenshot", {
            format: "png",
            captureBeyondViewport: true,
            ...clip,
          });
          return Buffer.from(String(data), "base64");
        },
      });
    } finally {
      this.#listeners.delete(listener);
      await this.#call("Target.closeTarget", { targetId });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#process, "close");
    this.#process.kill("SIGKILL");
    await closed;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  async #call(
    method: string,
    params: Record<string, unknown>,
    sessionId?: string,
  ): Promise<Record<string, unknown>> {
    this.#serial += 1;
    const id = this.#serial;
    const answer = new Promise<Message>((resolve) => {
      this.#waiting.set(id, resolve);
    });
    const pipe = this.#process.stdio[3];
    if (pipe === null || pipe === undefined || !("write" in pipe)) throw new Error("the browser has no pipe");
    pipe.write(`${JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) })}\0`);
    const { result, error } = await answer;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  }

  #read(text: string): void {
    const parts = (this.#rest + text).split("\0");
    this.#rest = parts.pop() ?? "";
    for (const part of parts) {
      const message: Message = JSON.parse(part);
      if (message.id === undefined) for (const listener of this.#listeners) listener(message);
      else {
        this.#waiting.get(message.id)?.(message);
        this.#waiting.delete(message.id);
      }
    }
  }
}

function addressOf(request: unknown): string {
  return typeof request === "object" && request !== null && "url" in request ? String(request.url) : "";
}
