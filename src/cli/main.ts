/** Everything but the fetching: run by the front as `node main.cjs --config FILE WORD…`. */
import { parseArgs } from 'node:util'
import { DEFAULT_CONFIG_FILE, readConfig } from '../base/config.ts'
import { listenAddress } from '../base/config-values.ts'
import type { Endpoint } from '../base/endpoint.ts'
import { PacsrvError } from '../base/error.ts'
import { ownPaths } from '../base/own-paths.ts'
import { announce } from './announce.ts'
import { runCheck } from './check/check.ts'
import {
  type CommandName,
  commandOptions,
  commands,
  commonOptions,
  help,
  WEBHOST_LISTEN,
} from './commands.ts'
import { runDaemonCommand } from './daemon-command.ts'
import { runFind } from './find.ts'
import { runPrefetch } from './prefetch.ts'
import { runStatus } from './status.ts'
import { userOf } from './user-of.ts'
import { runWebhost } from './webhost-command.ts'

declare const PACSRV_VERSION: string

const print = (line: string) => process.stdout.write(`${line}\n`)

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parse(args)
  if (values.version) return done(print(`pacsrv-xfer ${PACSRV_VERSION}`))
  if (values.help) return done(print(help()))
  const [word, ...rest] = positionals
  const config = () => readConfig(values.config ?? DEFAULT_CONFIG_FILE, ownPaths)
  // The front's question when root starts one of these: which user it is to become.
  if (word === 'user-of') return userOf(config(), rest[0] as 'daemon' | 'webhost', print)
  if (word === undefined) throw usage('a URL and a file, or a command, are missing')
  if (!isCommand(word)) {
    throw usage(word.includes('://') ? 'the file to write is missing' : `there is no command "${word}"`)
  }
  checkWords(word, rest, values)
  const json = values.json === true
  const run: Record<CommandName, () => Promise<number>> = {
    daemon: () => runDaemonCommand(config(), PACSRV_VERSION),
    announce: () => announce(config),
    status: () => runStatus(config(), { json, print }),
    find: () => runFind(config(), { name: rest[0]!, json, print }),
    prefetch: () => runPrefetch(config(), { json, print }),
    check: () => runCheck(config, { version: PACSRV_VERSION, print }),
    webhost: () => runWebhost(config(), listenOption(values.listen)),
  }
  return run[word]()
}

const isCommand = (word: string): word is CommandName => Object.hasOwn(commands, word)

/** Throws PacsrvError `usage` where the table of commands has no such line. */
function checkWords(word: CommandName, rest: string[], values: Record<string, unknown>): void {
  const { operands, options }: { operands: string[]; options: string[] } = commands[word]
  const missing = operands[rest.length]
  if (missing !== undefined) throw usage(`${word} needs a ${missing}`)
  if (rest.length > operands.length) throw usage(`"${rest[operands.length]}" is one word too many`)
  const stray = Object.keys(commandOptions).find(
    (name) => values[name] !== undefined && !options.includes(name),
  )
  if (stray !== undefined) throw usage(`--${stray} doesn't go with ${word}`)
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: { ...commonOptions, ...commandOptions },
    })
  } catch (error) {
    throw usage((error as Error).message)
  }
}

function usage(problem: string): PacsrvError {
  return new PacsrvError('usage', `${problem}; see pacsrv-xfer --help`)
}

function listenOption(text = WEBHOST_LISTEN): Endpoint {
  try {
    return listenAddress(text)
  } catch (error) {
    throw usage(`--listen ${(error as Error).message}`)
  }
}

const done = (_: unknown) => 0

main(process.argv.slice(2)).then(
  (status) => {
    process.exitCode = status
  },
  (error) => {
    const expected = error instanceof PacsrvError
    process.stderr.write(`pacsrv-xfer: ${expected ? error.message : error?.stack}\n`)
    // Not by exitCode: whatever a failed start has left open must not keep it alive.
    process.exit(expected && error.code === 'usage' ? 2 : 1)
  },
)
