/** Text that is HTML already. */
export class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Part = Html | string | number | readonly Part[]

/** A template whose values are escaped, unless they are HTML already. Lists are joined. */
export function html(strings: TemplateStringsArray, ...values: Part[]): Html {
  return new Html(strings.reduce((text, string, at) => text + textOf(values[at - 1] ?? '') + string))
}

function textOf(part: Part): string {
  if (part instanceof Html) return part.text
  if (typeof part === 'object') return part.map(textOf).join('')
  return escaped(`${part}`)
}

/** What others chose must neither be markup nor turn the line around. */
function escaped(text: string): string {
  return text
    .replace(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '?')
    .replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
