/** etc/pacsrv.conf as text for its manual page: what a user reads in the file, pacsrv.conf(5) says. */
import { parseConfig } from '../src/base/config.ts'

/** Every section with its keys, in man/roff.ts' markup. `text` is etc/pacsrv.conf. */
export function keysAsMarkdown(text: string): string {
  const defaults = parseConfig('', 'pacsrv.conf') as unknown as Record<string, Record<string, unknown>>
  const parts: string[] = []
  let section = ''
  let above = ''
  for (const block of text.split(/\n\s*\n/)) {
    const header = /^\[(\w+)\]$/m.exec(block)
    if (header) {
      section = header[1]!
      parts.push(`## [${section}]`)
      above = block
    } else above = ''
    const comments = lines(above || block, /^#( |$)/).map((line) => line.slice(2))
    if (above) parts.push(marked(comments))
    else if (section !== '') parts.push(entry(lines(block, /^#[a-z]/), comments, defaults[section]!))
  }
  return parts.join('\n\n')
}

function lines(block: string, pattern: RegExp): string[] {
  return block.split('\n').filter((line) => pattern.test(line))
}

/** Keys that share an explanation are terms of one text. */
function entry(shown: string[], comments: string[], defaults: Record<string, unknown>): string {
  const terms = shown.map((line) => {
    const [, key, value] = /^#([\w-]+) = (.+)$/.exec(line)!
    const fallback = defaults[key!]
    const isExample = fallback === undefined || (Array.isArray(fallback) && fallback.length === 0)
    return `**${key} =** ${isExample ? `*${value}*` : `**${value}** (default)`}`
  })
  return `${terms.join('\n')}\n: ${marked(comments)}`
}

/** Names of sections and keys, paths and commands stand out. */
function marked(comments: string[]): string {
  return comments
    .join('\n')
    .replace(
      /\[(?:daemon|network|server|client|direct|mirror|Service)\](?: [a-z-]+(?=[\s,.:;)]))?/g,
      '**$&**',
    )
}
