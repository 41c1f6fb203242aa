import { Reader, Writer } from "./bytes.ts";

/**
 * The presentation language of RFC 5246 §4, so that a structure can be laid beside its RFC. What is read is strict:
 * exact lengths, no byte left over. Values of byte type are views of what was received; whoever keeps them copies.
 */
export interface Type<T> {
  read(reader: Reader): T;
  write(writer: Writer, value: T): void;
}

export type TypeOf<X> = X extends Type<infer T> ? T : never;

/** The whole of `bytes` as a `type`; `name` is for error messages. */
export function decode<T>(name: string, type: Type<T>, bytes: Uint8Array): T {
  const reader = new Reader(bytes, name);
  const value = type.read(reader);
  reader.end();
  return value;
}

export function encode<T>(type: Type<T>, value: T): Uint8Array {
  const writer = new Writer();
  type.write(writer, value);
  return writer.finish();
}

/** RFC 5246 §4.4 */
export const uint8: Type<number> = {
  read: (reader) => reader.uint8(),
  write: (writer, value) => writer.uint(value, 1),
};
export const uint16: Type<number> = {
  read: (reader) => reader.uint16(),
  write: (writer, value) => writer.uint(value, 2),
};
export const uint24: Type<number> = {
  read: (reader) => reader.uint24(),
  write: (writer, value) => writer.uint(value, 3),
};
export const uint32: Type<number> = {
  read: (reader) => reader.uint32(),
  write: (writer, value) => writer.uint(value, 4),
};

/** `opaque x[length]` */
export function fixed(length: number): Type<Uint8Array> {
  return {
    read: (reader) => reader.bytes(length),
    write(writer, value) {
      checkLength(value.length, length, length);
      writer.bytes(value);
    },
  };
}

/** `opaque x<min..max>` */
export function opaque(min: number, max: number): Type<Uint8Array> {
  return {
    read: (reader) => reader.bytes(readLength(reader, min, max)),
    write(writer, value) {
      checkLength(value.length, min, max);
      writer.uint(value.length, prefixWidth(max));
      writer.bytes(value);
    },
  };
}

/** `T x<min..max>`: the bounds count bytes, not elements (RFC 5246 §4.3). */
export function vector<T>(type: Type<T>, min: number, max: number): Type<readonly T[]> {
  const width = prefixWidth(max);
  return {
    read(reader) {
      const elements = reader.sub(readLength(reader, min, max));
      const values: T[] = [];
      while (elements.remaining > 0) {
        const before = elements.remaining;
        values.push(type.read(elements));
        // A type of no bytes would be read for ever.
        if (elements.remaining === before) throw elements.error("an element without bytes");
      }
      return values;
    },
    write(writer, values) {
      const prefix = writer.reserve(width);
      for (const value of values) type.write(writer, value);
      const length = writer.length - prefix - width;
      checkLength(length, min, max);
      writer.patch(prefix, length, width);
    },
  };
}

/** `struct { ... }`: the fields in the order of the RFC, under its names in camel case. */
export function struct<F extends Fields>(fields: F): Type<StructOf<F>>;
export function struct(fields: Fields): Type<Record<string, unknown>> {
  const entries = Object.entries(fields);
  // Begun as a copy that has all fields already: adding them one by one is several times slower.
  const blank: Record<string, unknown> = {};
  for (const [name] of entries) blank[name] = undefined;
  return {
    read(reader) {
      const value = { ...blank };
      for (const [name, type] of entries) value[name] = type.read(reader);
      return value;
    },
    write(writer, value) {
      for (const [name, type] of entries) type.write(writer, value[name]);
    },
  };
}

/** What a structure may end with or leave out, as the extensions of a hello: undefined when no byte is left. */
export function trailing<T>(type: Type<T>): Type<T | undefined> {
  return {
    read: (reader) => (reader.remaining > 0 ? type.read(reader) : undefined),
    write(writer, value) {
      if (value !== undefined) type.write(writer, value);
    },
  };
}

/** A value that is more, or less, than its bytes: `check` may throw, `from` and `to` translate. */
export function mapped<Wire, T>(type: Type<Wire>, from: (wire: Wire) => T, to: (value: T) => Wire): Type<T> {
  return {
    read: (reader) => from(type.read(reader)),
    write: (writer, value) => type.write(writer, to(value)),
  };
}

/** `check` throws for values that the structure allows and the RFC does not. */
export function checked<T>(type: Type<T>, check: (value: T) => void): Type<T> {
  const same = (value: T): T => {
    check(value);
    return value;
  };
  return mapped(type, same, same);
}

type Fields = Record<string, Type<unknown>>;
type StructOf<F extends Fields> = {
  readonly [K in keyof F as undefined extends TypeOf<F[K]> ? never : K]: TypeOf<F[K]>;
} & {
  readonly [K in keyof F as undefined extends TypeOf<F[K]> ? K : never]?: TypeOf<F[K]>;
};

/** RFC 5246 §4.3: as many bytes as the ceiling of the vector needs. */
function prefixWidth(max: number): 1 | 2 | 3 {
  if (max < 2 ** 8) return 1;
  return max < 2 ** 16 ? 2 : 3;
}

function readLength(reader: Reader, min: number, max: number): number {
  const width = prefixWidth(max);
  const length = width === 1 ? reader.uint8() : width === 2 ? reader.uint16() : reader.uint24();
  if (length < min || length > max) throw reader.error(`length ${length} is outside ${min}..${max}`);
  return length;
}

function checkLength(length: number, min: number, max: number): void {
  if (length < min || length > max) throw new RangeError(`length ${length} is outside ${min}..${max}`);
}
