/**
 * Manual pages from the little of Markdown that man/*.md use: `# name(section): summary` first; `##` and `###`
 * headings; paragraphs; code indented by four; `- ` lists; a term with its `: ` text below; **literal**,
 * *replaceable*, `literal`. Blocks stand apart by blank lines; further paragraphs of a term are indented by two.
 */
import { PacsrvError } from '../src/base/error.ts'

/** Of the roff, not of what is shown. */
const COLUMNS = 80

export interface Page {
  name: string
  section: string
  /** For man(7). */
  roff: string
}

/** Throws PacsrvError `usage` for text without its first line. */
export function page(markdown: string, { date, source }: { date: string; source: string }): Page {
  const [first = '', ...blocks] = markdown.trim().split(/\n(?:[ \t]*\n)+/)
  const title = /^# (\S+)\((\d)\): (.+)$/.exec(first)
  if (!title) throw new PacsrvError('usage', `a page begins with "# name(section): summary", not "${first}"`)
  const [, name, section, summary] = title as unknown as [string, string, string, string]
  const head = [
    `.TH "${name.toUpperCase()}" "${section}" "${date}" "${source}" "pacsrv manual"`,
    '.nh',
    '.ad l',
    '.SH "NAME"',
    `${inline(name)} \\- ${inline(summary)}`,
  ]
  return { name, section, roff: `${[...head, ...body(blocks)].join('\n')}\n` }
}

function body(blocks: string[]): string[] {
  const lines: string[] = []
  let heading = true
  for (const [at, block] of blocks.entries()) {
    const after = heading ? [] : ['.PP']
    heading = block.startsWith('#')
    if (block.startsWith('## ')) lines.push(`.SH "${block.slice(3)}"`)
    else if (block.startsWith('### ')) lines.push(`.SS "${block.slice(4)}"`)
    else if (block.startsWith('    ')) lines.push(...(at > 0 ? after : []), ...code(block))
    else if (block.startsWith('  ')) lines.push('.IP', ...prose(block))
    else if (block.startsWith('- ')) lines.push(...bullets(block))
    else if (/^: /m.test(block)) lines.push(...term(block))
    else lines.push(...after, ...prose(block))
  }
  return lines
}

function code(block: string): string[] {
  const text = block.split('\n').map((line) => safe(literal(line.slice(4))))
  return ['.RS 4', '.nf', ...text, '.fi', '.RE']
}

function bullets(block: string): string[] {
  return block.split(/\n(?=- )/).flatMap((item) => ['.IP \\(bu 2', ...prose(item.slice(2))])
}

/** One term a line, then `: ` and its text. */
function term(block: string): string[] {
  const [terms = '', text = ''] = block.split(/\n: /)
  const parts = text.split(/\n((?: {4}.*\n?)+)/)
  const lines = parts.flatMap((part, at) => (at % 2 === 1 ? inset(part) : part === '' ? [] : prose(part)))
  const heads = terms.split('\n').flatMap((line, at) => [at === 0 ? '.TP' : '.TQ', safe(inline(line))])
  return [...heads, ...lines]
}

/** Code inside of a term's text keeps its indent. */
function inset(text: string): string[] {
  return [
    '.nf',
    ...text
      .trimEnd()
      .split('\n')
      .map((line) => safe(literal(line))),
    '.fi',
  ]
}

/** Each sentence on lines of its own, as roff likes it: it sets the space between them. */
function prose(block: string): string[] {
  const text = inline(
    block
      .split('\n')
      .map((line) => line.trim())
      .join(' '),
  )
  return text.split(/(?<=[.?!]) (?=[A-Z\\])/).flatMap((sentence) => wrapped(sentence).map(safe))
}

function wrapped(sentence: string): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of sentence.split(' ')) {
    if (line !== '' && line.length + word.length >= COLUMNS) {
      lines.push(line)
      line = ''
    }
    line += line === '' ? word : ` ${word}`
  }
  return [...lines, line]
}

/** A line that begins with a dot would be a request. */
function safe(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line
}

function inline(text: string): string {
  return text
    .split(/(\*\*[^*]+\*\*|`[^`]+`|\*[^*\s][^*]*\*)/)
    .map((part, at) => {
      if (at % 2 === 0) return plain(part)
      if (part.startsWith('**')) return `\\fB${literal(part.slice(2, -2))}\\fR`
      return `\\f${part.startsWith('`') ? 'B' : 'I'}${literal(part.slice(1, -1))}\\fR`
    })
    .join('')
}

const plain = (text: string) => text.replaceAll('\\', '\\e').replaceAll('~', '\\(ti').replaceAll('^', '\\(ha')

/** To be copied from the page as it stands: hyphens and quotes must not become typographic ones. */
const literal = (text: string) =>
  plain(text).replaceAll('-', '\\-').replaceAll("'", '\\(aq').replaceAll('`', '\\(ga')
