import { expect, test } from "vitest";
import { DeviceError } from "../../../device-client/errors.ts";
import { firstToOpen } from "../../../device-client/first-to-open.ts";
import type { StartTimer } from "../../../device-client/session-options.ts";

/** A clock that is moved by hand, and attempts that end when a test says so. */
class Course {
  readonly started: string[] = [];
  readonly abandoned: string[] = [];
  readonly aborted: string[] = [];
  readonly #attempts = new Map<string, PromiseWithResolvers<string>>();
  #timers: (() => void)[] = [];
  readonly abort = new AbortController();

  run(...addresses: string[]): Promise<string> {
    const startTimer: StartTimer = (callback) => {
      this.#timers.push(callback);
      return () => {
        this.#timers = this.#timers.filter((one) => one !== callback);
      };
    };
    return firstToOpen({
      addresses,
      signal: this.abort.signal,
      startTimer,
      open: (address, signal) => {
        this.started.push(address);
        const attempt = Promise.withResolvers<string>();
        this.#attempts.set(address, attempt);
        signal.addEventListener("abort", () => this.aborted.push(address));
        return attempt.promise;
      },
      abandon: (opened) => this.abandoned.push(opened),
    });
  }

  /** Lets the delay between two attempts pass. */
  async wait(): Promise<void> {
    for (const timer of this.#timers.splice(0)) timer();
    await settled();
  }

  async opens(address: string): Promise<void> {
    this.#attempts.get(address)?.resolve(address);
    await settled();
  }

  async fails(address: string, code: "DEVICE_TIMEOUT" | "DEVICE_UNREACHABLE" | "DEVICE_PIN_MISMATCH") {
    this.#attempts.get(address)?.reject(new DeviceError(code, `${address} failed`));
    await settled();
  }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test("the first address that opens wins, and no other is tried", async () => {
  const course = new Course();
  const won = course.run("::1", "127.0.0.1");
  await course.opens("::1");
  expect(await won).toBe("::1");
  expect(course.started).toEqual(["::1"]);
});

test("RFC 8305 §5: the next is tried when the one before has not answered in time", async () => {
  const course = new Course();
  const won = course.run("::1", "127.0.0.1");
  expect(course.started).toEqual(["::1"]);
  await course.wait();
  expect(course.started).toEqual(["::1", "127.0.0.1"]);
  await course.opens("127.0.0.1");
  expect(await won).toBe("127.0.0.1");
  expect(course.aborted).toContain("::1");
});

test("and at once when the one before has failed", async () => {
  const course = new Course();
  const won = course.run("::1", "127.0.0.1");
  await course.fails("::1", "DEVICE_UNREACHABLE");
  expect(course.started).toEqual(["::1", "127.0.0.1"]);
  await course.opens("127.0.0.1");
  expect(await won).toBe("127.0.0.1");
});

test("what opens second is given up", async () => {
  const course = new Course();
  const won = course.run("a", "b");
  await course.wait();
  await course.opens("b");
  await course.opens("a");
  expect(await won).toBe("b");
  expect(course.abandoned).toEqual(["a"]);
});

test("when all fail, the one that says what is wrong with the gateway is thrown", async () => {
  const course = new Course();
  const lost = course.run("a", "b", "c").catch((error: unknown) => error);
  await course.fails("a", "DEVICE_TIMEOUT");
  await course.fails("b", "DEVICE_PIN_MISMATCH");
  await course.fails("c", "DEVICE_UNREACHABLE");
  expect(await lost).toMatchObject({ code: "DEVICE_PIN_MISMATCH" });
});

test("an abort ends all attempts, with its reason", async () => {
  const course = new Course();
  const lost = course.run("a", "b");
  await course.wait();
  course.abort.abort(new DeviceError("DEVICE_CLOSED", "closed"));
  await expect(lost).rejects.toMatchObject({ code: "DEVICE_CLOSED" });
  expect(course.aborted).toEqual(["a", "b"]);
  await course.opens("a");
  expect(course.abandoned).toEqual(["a"]);
});
