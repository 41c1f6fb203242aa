/** What was read from a client and not yet taken by the broker; bytes behind the CONNECT wait apart. */
export class InputBuffer {
  #ready: Buffer[] = [];
  #behindConnect: Buffer[] = [];
  #bytes = 0;

  /** Bytes held, ready or not. */
  get bytes(): number {
    return this.#bytes;
  }

  add(chunk: Buffer): void {
    this.#ready.push(chunk);
    this.#bytes += chunk.length;
  }

  addBehindConnect(chunk: Buffer): void {
    this.#behindConnect.push(chunk);
    this.#bytes += chunk.length;
  }

  /** The CONNACK is out: what waited behind the CONNECT is ready. */
  release(): void {
    this.#ready.push(...this.#behindConnect);
    this.#behindConnect = [];
  }

  /** Everything that is ready, or null. */
  take(): Buffer | null {
    const [first] = this.#ready;
    if (first === undefined) return null;
    const bytes = this.#ready.length === 1 ? first : Buffer.concat(this.#ready);
    this.#ready = [];
    this.#bytes -= bytes.length;
    return bytes;
  }

  clear(): void {
    this.#ready = [];
    this.#behindConnect = [];
    this.#bytes = 0;
  }
}
