/** Everything but the fetching: run by the front as `node main.cjs --config FILE WORD…`. */
import { resolve } from 'node:path'
import { DEFAULT_CONFIG_FILE, readConfig } from '../base/config.ts'
import { listenAddress } from '../base/config-values.ts'
import type { Endpoint } from '../base/endpoint.ts'
import { asError, PacsrvError, systemCode } from '../base/error.ts'
import { isJournal, PRIORITY } from '../base/journal.ts'
import { ownPaths } from '../base/own-paths.ts'
import { terminalText } from '../base/terminal-text.ts'
import { announce } from './announce.ts'
import { runCheck } from './check/check.ts'
import { checkWords, isCommand, parseCommandLine, usage } from './command-line.ts'
import { type CommandName, commandHelp, help, WEBHOST_LISTEN } from './commands.ts'
import { runDaemonCommand } from './daemon-command.ts'
import { runFind } from './find.ts'
import { runPrefetch } from './prefetch.ts'
import { runStatus } from './status/status.ts'
import { userOf } from './user-of.ts'
import { runWebhost } from './webhost-command.ts'

declare const PACSRV_VERSION: string

const STDERR = 2

/** While a person waits: gone when something else is said. */
const hint = (text: string) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

const print = (line: string) => process.stdout.write(`${terminalText(line)}\n`)

async function main(args: string[]): Promise<number> {
  const { values, words } = parseCommandLine(args)
  const [word, ...rest] = words
  if (values.version) return done(print(`pacsrv-xfer ${PACSRV_VERSION}`))
  if (values.help) return done(print(word !== undefined && isCommand(word) ? commandHelp(word) : help()))
  const file = resolve(values.config ?? DEFAULT_CONFIG_FILE)
  const config = () => readConfig(file, ownPaths)
  // The front's question when root starts one of these: which user it is to become.
  if (word === 'user-of') return userOf(config(), rest[0] as 'daemon' | 'webhost', print)
  // systemd's, before it has the daemon read the configuration again.
  if (word === 'read-config') return done(config())
  if (word === undefined) throw usage('a URL and a file, or a command, are missing')
  if (!isCommand(word)) {
    throw usage(word.includes('://') ? 'the file to write is missing' : `there is no command "${word}"`)
  }
  checkWords(word, rest, values)
  const json = values.json === true
  const run: Record<CommandName, () => Promise<number>> = {
    daemon: () => runDaemonCommand(config, PACSRV_VERSION),
    announce: () => announce(config),
    status: () => runStatus(config(), { json, watch: values.watch === true, print, asJson }),
    find: () => runFind(config(), { wanted: rest[0]!, json, print }),
    prefetch: () => runPrefetch(config(), { json, print }),
    check: () => runCheck(config, { version: PACSRV_VERSION, print, hint }),
    webhost: () => runWebhost(config(), listenOption(values.listen)),
  }
  return run[word]()
}

function listenOption(text = WEBHOST_LISTEN): Endpoint {
  try {
    return listenAddress(text)
  } catch (error) {
    throw usage(`--listen ${(error as Error).message}`)
  }
}

const done = (_: unknown) => 0

/** A reader of JSON expects nothing else. */
function asJson(error: unknown): string {
  const code = error instanceof PacsrvError ? error.code : 'bug'
  return JSON.stringify({ error: { code, message: asError(error).message } })
}

/** The status of a program that SIGPIPE kills; as quiet as that one. */
const PIPE_STATUS = 141

process.stdout.on('error', (error) => {
  if (systemCode(error) === 'EPIPE') process.exit(PIPE_STATUS)
  throw error
})

const args = process.argv.slice(2)
main(args).then(
  (status) => {
    process.exitCode = status
  },
  (error) => {
    const expected = error instanceof PacsrvError
    if (args.includes('--json')) print(asJson(error))
    const priority = isJournal(STDERR) ? `<${PRIORITY.error}>` : ''
    const what = terminalText(`${expected ? error.message : error?.stack}`)
    process.stderr.write(`${priority}pacsrv-xfer: ${what}\n`)
    // Not by exitCode: whatever a failed start has left open must not keep it alive.
    process.exit(expected && error.code === 'usage' ? 2 : 1)
  },
)
