import { type DestinationStream, pino } from 'pino'
import type { Log, LogComponent, LogLevels } from '../base/log.ts'

/** A logger for each component, at its level. JSON lines, to standard output if nothing else is given. */
export function createLoggers(
  { level, components }: LogLevels,
  stream?: DestinationStream,
): (component: LogComponent) => Log {
  const options = { name: 'pacsrv', level, base: {} }
  const root = stream ? pino(options, stream) : pino(options)
  return (component) => root.child({ component }, { level: components[component] ?? level })
}
