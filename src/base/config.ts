import { readFileSync } from 'node:fs'
import { type ConfigLine, configError, parseConfigFile } from './config-file.ts'
import * as value from './config-values.ts'
import type { Endpoint, HostPort } from './endpoint.ts'
import { PacsrvError, systemCode } from './error.ts'
import { LOG_FORMATS, type LogFormat, type LogLevels } from './log.ts'

export const DEFAULT_CONFIG_FILE = '/etc/pacsrv.conf'

/** Where pacsrv keeps things when the configuration doesn't say. */
export interface DefaultPaths {
  stateDir: string
  spoolDir: string
  socket: string
}

export const systemPaths: DefaultPaths = {
  stateDir: '/var/lib/pacsrv',
  spoolDir: '/var/cache/pacsrv',
  socket: '/run/pacsrv/pacsrv.sock',
}

type Key<T> = { parse: value.ValueParser<T>; many?: true; fallback?: T }

const key = <T>(parse: value.ValueParser<T>, fallback: T) => ({ parse, fallback })
const optional = <T>(parse: value.ValueParser<T>) => ({ parse })
const many = <T>(parse: value.ValueParser<T>) => ({ parse, many: true as const })

/** Every section and key there is (docs/architecture.md, rule 9), with how it is read and its default. */
const schema = (paths: DefaultPaths) => ({
  daemon: {
    'pacman-conf': key(value.absolutePath, '/etc/pacman.conf'),
    'cache-dir': many(value.absolutePath),
    'sync-dir': optional(value.absolutePath),
    'state-dir': key(value.absolutePath, paths.stateDir),
    'spool-dir': key(value.absolutePath, paths.spoolDir),
    user: key(value.userName, 'pacsrv'),
    'log-level': key<LogLevels>(value.logLevels, { level: 'info', components: {} }),
    'log-format': key<LogFormat>(value.oneOf(...LOG_FORMATS), 'auto'),
  },
  network: {
    listen: key(value.listenAddress, '[::]:8048'),
    advertise: optional(value.listenAddress),
    'min-connections': key(value.integer(0, 1000), 3),
    'max-connections': key(value.integer(1, 1000), 30),
    ttl: key(value.integer(1, 16), 7),
    webhost: many(value.httpUrl),
    lan: key<boolean | string[]>(value.yesNoOrNames, true),
    pacserve: key(value.yesOrNo, false),
    dht: key(value.yesOrNo, false),
    'dht-bootstrap': many(value.server),
    allow: many(value.cidrList),
    deny: many(value.cidrList),
    'key-file': many(value.absolutePath),
    'upload-limit': optional(value.rate),
    'download-limit': optional(value.rate),
    metered: key(value.yesOrNo, false),
  },
  server: {
    socket: key(value.absolutePath, paths.socket),
    listen: key<Endpoint | undefined>(
      (text) => (text === 'none' ? undefined : value.listenAddress(text)),
      '127.0.0.1:8049',
    ),
    allow: many(value.cidrList),
  },
  client: {
    server: optional<string | HostPort>((text) =>
      text.startsWith('/') ? value.absolutePath(text) : value.server(text),
    ),
    start: key(value.yesOrNo, true),
  },
  direct: { server: many(value.server) },
  cache: {
    keep: optional(value.size),
    'keep-dir': optional(value.absolutePath),
    repository: many(value.repository),
  },
  mirror: { delay: key<'auto' | number>(value.delay, 'auto') },
})

type Schema = ReturnType<typeof schema>
type ValueOf<K> = K extends { parse: value.ValueParser<infer T> }
  ? K extends { many: true }
    ? T[]
    : K extends { fallback: unknown }
      ? T
      : T | undefined
  : never

/** The configuration, with the names that the file uses. */
export type Config = { file: string } & {
  [S in keyof Schema]: { [K in keyof Schema[S]]: ValueOf<Schema[S][K]> }
}

/** What `text` means. Throws PacsrvError `config` for the first fault, naming file, line and key. */
export function parseConfig(text: string, file: string, paths: DefaultPaths = systemPaths): Config {
  const sections: Record<string, Record<string, Key<unknown>>> = schema(paths)
  const config: Record<string, Record<string, unknown>> = {}
  for (const [section, keys] of Object.entries(sections)) {
    config[section] = Object.fromEntries(
      Object.entries(keys).map(([k, { many, fallback }]) => [k, many ? [] : fallback]),
    )
  }
  const lines = parseConfigFile(text, file)
  for (const line of lines) readLine(line, sections, config, file)
  const whole = { file, ...config } as unknown as Config
  checkPorts(whole, lines)
  return whole
}

/** pacman.conf would take it for a part of the value, and each word of it for another value where many may stand. */
const COMMENT_BEHIND = /(?:^|\s)#/
const OWN_LINE = 'as in pacman.conf, a comment needs a line of its own'

function readLine(
  { section, key, value: text, line }: ConfigLine,
  sections: Record<string, Record<string, Key<unknown>>>,
  config: Record<string, Record<string, unknown>>,
  file: string,
): void {
  if (!Object.hasOwn(sections, section)) {
    const known = Object.keys(sections).join('], [')
    throw configError(
      file,
      line,
      key,
      `is in [${section}], which is not a section of pacsrv.conf; the sections are [${known}]`,
    )
  }
  const keys = sections[section]!
  const known = Object.hasOwn(keys, key) ? keys[key]! : undefined
  if (!known)
    throw configError(
      file,
      line,
      key,
      `is not a key of [${section}]; its keys are ${Object.keys(keys).join(', ')}`,
    )
  if (text === '') throw configError(file, line, key, 'has no value')
  if (COMMENT_BEHIND.test(text)) throw configError(file, line, key, `has a # after its value: ${OWN_LINE}`)
  try {
    const parsed = known.parse(text)
    if (known.many) (config[section]![key] as unknown[]).push(parsed)
    else config[section]![key] = parsed
  } catch (error) {
    throw configError(file, line, key, (error as Error).message)
  }
}

/** One port can't serve strangers and this machine: a firewall could not tell them apart. */
function checkPorts(config: Config, lines: ConfigLine[]): void {
  const port = (listen: Endpoint | undefined) => Number(listen?.slice(listen.lastIndexOf(':') + 1))
  const network = port(config.network.listen)
  if (network === 0 || network !== port(config.server.listen)) return
  const where = (section: string) => {
    const line = lines.findLast((line) => line.section === section && line.key === 'listen')
    return line ? `line ${line.line}` : 'its default'
  }
  throw new PacsrvError(
    'config',
    `${config.file}: port ${network} stands in both [network] listen (${where('network')}) and ` +
      `[server] listen (${where('server')}); give each a port of its own`,
  )
}

/**
 * The configuration in `file`. Without a file, the defaults hold when it is the default one; a file that was
 * asked for by name must be there. Throws PacsrvError `config`.
 */
export function readConfig(file: string, ownPaths: () => DefaultPaths): Config {
  let text = ''
  let paths = systemPaths
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    if (file !== DEFAULT_CONFIG_FILE || systemCode(cause) !== 'ENOENT') {
      throw new PacsrvError('config', `${file}: can't be read (${systemCode(cause) ?? cause})`, cause)
    }
    if (process.getuid?.() !== 0) paths = ownPaths()
  }
  return parseConfig(text, file, paths)
}
