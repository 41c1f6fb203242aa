import { printable } from "../printable.ts";

/** Text that is markup and goes into a page as it is. Only the tag `html` makes it, from what was escaped. */
export class Markup {
  readonly #text: string;

  constructor(key: typeof onlyHere, text: string) {
    if (key !== onlyHere) throw new TypeError("markup is made with the tag html");
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

const onlyHere = Symbol("markup");

type Value = string | number | undefined | false | Markup | readonly Value[];

/**
 * Markup with values in it. A text is escaped, for content and for values between double quotes alike, whoever it comes
 * from; what is undefined or false is left out.
 *
 *     html`<p class="how">${one.how}</p>`
 */
export function html(fixed: TemplateStringsArray, ...values: readonly Value[]): Markup {
  let text = fixed[0] ?? "";
  for (const [index, value] of values.entries()) text += render(value) + (fixed[index + 1] ?? "");
  return new Markup(onlyHere, text);
}

/** A style sheet or a script of our own: text that no escape may change. @throws TypeError where it would end early */
export function raw(text: string): Markup {
  if (/<\/|<!--/.test(text)) throw new TypeError("this text ends the element that it stands in");
  return new Markup(onlyHere, text);
}

function render(value: Value): string {
  if (value === undefined || value === false) return "";
  if (typeof value === "string") return escaped(value);
  if (typeof value === "number") return String(value);
  if (value instanceof Markup) return value.toString();
  return value.map((item) => render(item)).join("");
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return printable(text).replace(/[&<>"']/g, (sign) => entities[sign] ?? "");
}

/** A path within the evidence folder as a link: no scheme, no host, nothing but a way down. */
export function relativeUrl(path: string): string {
  const names = path
    .toWellFormed()
    .split("/")
    .filter((name) => !["", ".", ".."].includes(name));
  return names.map(encodeURIComponent).join("/");
}
