import { fixed, mapped, opaque, type Type, uint8, vector } from "../wire/presentation.ts";

/** What is stored is kept long after the block that it was decrypted from, so bytes are copied out of that. */
export function storedBytes(min: number, max: number): Type<Uint8Array> {
  return mapped(opaque(min, max), copy, (bytes) => bytes);
}

export function storedChain(): Type<readonly Uint8Array[]> {
  return vector(storedBytes(1, 2 ** 24 - 1), 0, 2 ** 24 - 1);
}

export const text: Type<string> = mapped(
  opaque(0, 2 ** 16 - 1),
  (bytes) => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
  (value) => new TextEncoder().encode(value),
);

export const boolean: Type<boolean> = choice([false, true]);

/** Any number that JavaScript has, exactly. */
export const number: Type<number> = mapped(
  fixed(8),
  (bytes) => new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0),
  (value) => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value);
    return bytes;
  },
);

/** One of a few values, by its place in the list. */
export function choice<const T extends readonly unknown[]>(values: T): Type<T[number]> {
  return {
    read(reader) {
      const index = reader.uint8();
      if (index >= values.length) throw reader.error(`there is no choice ${index}`);
      return values[index];
    },
    write(writer, value) {
      uint8.write(writer, values.indexOf(value));
    },
  };
}

export function optional<T>(type: Type<T>): Type<T | undefined> {
  return {
    read: (reader) => (boolean.read(reader) ? type.read(reader) : undefined),
    write(writer, value) {
      boolean.write(writer, value !== undefined);
      if (value !== undefined) type.write(writer, value);
    },
  };
}

function copy(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}
