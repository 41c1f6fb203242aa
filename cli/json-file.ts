import { readBoundedFile } from "../pki/index.ts";
import { CliError, type CliErrorCode } from "./errors.ts";

/** Reads one JSON value; `where` is the path of keys down to it, for the error. Throws `JsonRuleError`. */
export type JsonRule<T> = (value: unknown, where: string) => T;

/** What is wrong with a JSON file, and where in it. */
class JsonRuleError extends Error {
  override readonly name = "JsonRuleError";
}

/**
 * Reads a JSON file by a rule: a value of the right type, with no key that nobody knows. Throws `CliError` with
 * `code` and the key's path.
 */
export function readJsonFile<T>(path: string, rule: JsonRule<T>, code: CliErrorCode): T {
  const text = readBoundedFile(path).toString("utf8");
  try {
    return rule(JSON.parse(text), "");
  } catch (error) {
    if (!(error instanceof JsonRuleError || error instanceof SyntaxError)) throw error;
    throw new CliError(code, `${path}: ${error.message}; correct the file`, { cause: error });
  }
}

/** An object with these keys, each of which may be left out, and no others. */
export function record<T extends object>(
  rules: { readonly [K in keyof T]-?: JsonRule<T[K]> },
): JsonRule<Partial<T>> {
  const known = new Map<string, JsonRule<unknown>>(Object.entries(rules));
  return (value, where) => {
    const result: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(objectOf(value, where))) {
      const rule = known.get(key);
      const path = where === "" ? key : `${where}.${key}`;
      if (rule === undefined) {
        throw new JsonRuleError(`unknown key "${path}" (known here: ${[...known.keys()].join(", ")})`);
      }
      result[key] = rule(item, path);
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each key was read by the rule of that key
    return result as Partial<T>;
  };
}

/** An object whose keys are the user's own. */
export function mapOf<T>(rule: JsonRule<T>): JsonRule<Record<string, T>> {
  return (value, where) =>
    Object.fromEntries(
      Object.entries(objectOf(value, where)).map(([key, item]) => [
        key,
        rule(item, where === "" ? key : `${where}.${key}`),
      ]),
    );
}

export const text: JsonRule<string> = (value, where) => {
  if (typeof value === "string" && value !== "") return value;
  throw new JsonRuleError(`"${where}" must be a string that is not empty`);
};

export const texts: JsonRule<string[]> = (value, where) => {
  if (Array.isArray(value)) return value.map((item, index) => text(item, `${where}[${index}]`));
  throw new JsonRuleError(`"${where}" must be a list of strings`);
};

export const flag: JsonRule<boolean> = (value, where) => {
  if (typeof value === "boolean") return value;
  throw new JsonRuleError(`"${where}" must be true or false`);
};

/** What `rule` takes, or `false` for "none". */
export function orFalse<T>(rule: JsonRule<T>): JsonRule<T | false> {
  return (value, where) => (value === false ? false : rule(value, where));
}

export function whole(min: number, max: number): JsonRule<number> {
  return (value, where) => {
    if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
    throw new JsonRuleError(`"${where}" must be a whole number from ${min} to ${max}`);
  };
}

function objectOf(value: unknown, where: string): object {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new JsonRuleError(where === "" ? "an object { … } is wanted" : `"${where}" must be an object { … }`);
}
