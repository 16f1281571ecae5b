import { PRIORITY } from '../base/journal.ts'

/** What stands in each of pino's lines and is said otherwise, or not at all. */
const OWN = new Set(['level', 'time', 'name', 'component', 'msg', 'err', 'v'])
/** Characters of one value, and of one line. The journal takes 48 KiB, people less. */
const MOST_VALUE = 500
const MOST_LINE = 4_000
/** pino's numbers, the least that has each priority. */
const ERROR = 50

/**
 * One line of pino's JSON as text for the journal: `<4>overlay: banned id=… reason="…"`, the number being syslog's
 * priority (sd-daemon(3)). Of an error that is the daemon's own fault the stack follows, a line each. Nothing that others
 * send can begin a line.
 */
export function textOf(json: string): string {
  const line = JSON.parse(json) as Record<string, unknown>
  const level = Number(line.level)
  const prefix = `<${priorityOf(level)}>`
  const message = clean(String(line.msg ?? ''))
  const fields = Object.entries(line).filter(([key]) => !OWN.has(key))
  const { err } = line as { err?: { message?: unknown; stack?: unknown } }
  if (err?.message !== undefined) fields.push(['error', err.message])
  const words = fields.flatMap(([key, value]) => (isSaid(value, message) ? [] : `${key}=${shown(value)}`))
  const text = [...(line.component ? [`${line.component}: ${message}`] : [message]), ...words].join(' ')
  const stack = level >= ERROR && typeof err?.stack === 'string' ? err.stack.split('\n').slice(1) : []
  return [text, ...stack].map((each) => `${prefix}${clean(each).slice(0, MOST_LINE)}\n`).join('')
}

function priorityOf(level: number): number {
  if (level < 30) return PRIORITY.debug
  if (level < 40) return PRIORITY.info
  if (level < 50) return PRIORITY.warning
  return level < 60 ? PRIORITY.error : PRIORITY.critical
}

/** The sentence has it already, as the name of the file. */
const isSaid = (value: unknown, message: string) =>
  value === undefined || (typeof value === 'string' && value.length > 3 && message.includes(value))

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const short = text.length > MOST_VALUE ? `${text.slice(0, MOST_VALUE)}…` : text
  return /^[^\s"'=]+$/.test(short) ? clean(short) : JSON.stringify(clean(short))
}

const clean = (text: string) => text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, ' ')
