import { type DestinationStream, destination, pino } from 'pino'
import { isJournal } from '../base/journal.ts'
import type { Log, LogComponent, LogFormat, LogLevels } from '../base/log.ts'
import { textOf } from './log-text.ts'

export interface Loggers {
  logOf(component: LogComponent): Log
  /** From now on; a download under way keeps its level. */
  setLevels(levels: LogLevels): void
}

const STDOUT = 1

/**
 * A logger for each component, at its level. To standard output, if nothing else is given: JSON lines, or text with
 * priorities for the journal. `auto` is text where standard output is the journal.
 */
export function createLoggers(
  levels: LogLevels,
  { format = 'auto', name = 'pacsrv' }: { format?: LogFormat; name?: string } = {},
  stream: DestinationStream = destination(STDOUT),
): Loggers {
  const isText = format === 'text' || (format === 'auto' && isJournal(STDOUT))
  const out = isText ? { write: (line: string) => void stream.write(textOf(line)) } : stream
  const root = pino({ name, level: levels.level, base: {} }, out)
  const byComponent = new Map<LogComponent, Log & { level: string }>()
  const levelOf = (component: LogComponent) => levels.components[component] ?? levels.level

  return {
    logOf(component) {
      const known = byComponent.get(component)
      if (known) return known
      const log = root.child({ component }, { level: levelOf(component) })
      byComponent.set(component, log)
      return log
    },
    setLevels(now) {
      levels = now
      for (const [component, log] of byComponent) log.level = levelOf(component)
    },
  }
}
