/** The part of pino that pacsrv uses; `silentLog` where nobody reads. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /** A log whose every line carries these fields too. */
  child(fields: object): Log
}

const nothing = () => {}
export const silentLog: Log = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLog,
}

/** From the most that is said to the least. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Whose line it is: the field `component` of every line, and what `[daemon] log-level` can name. */
export const LOG_COMPONENTS = [
  'daemon',
  'overlay',
  'transfer',
  'lan',
  'webhost',
  'dht',
  'downloads',
  'signatures',
  'mirror',
  'spool',
  'catalogue',
  'pacman',
  'http',
] as const
export type LogComponent = (typeof LOG_COMPONENTS)[number]

/** A level for all components, and exceptions for some. */
export interface LogLevels {
  level: LogLevel
  components: Partial<Record<LogComponent, LogLevel>>
}

/** `auto`: text where it goes to systemd's journal, JSON elsewhere. */
export const LOG_FORMATS = ['auto', 'text', 'json'] as const
export type LogFormat = (typeof LOG_FORMATS)[number]
