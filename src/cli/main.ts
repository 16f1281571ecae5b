/** Everything but the fetching: run by the sh front as `node main.cjs --config FILE WORD…`. */
import { parseArgs } from 'node:util'
import { DEFAULT_CONFIG_FILE, readConfig } from '../base/config.ts'
import { listenAddress } from '../base/config-values.ts'
import type { Endpoint } from '../base/endpoint.ts'
import { PacsrvError } from '../base/error.ts'
import { announce } from './announce.ts'
import { runCheck } from './check.ts'
import { runDaemonCommand } from './daemon-command.ts'
import { runFind } from './find.ts'
import { ownPaths } from './own-paths.ts'
import { runStatus } from './status.ts'
import { userOf } from './user-of.ts'
import { runWebhost } from './webhost-command.ts'

declare const PACSRV_VERSION: string

const USAGE = `usage: pacsrv-xfer [--config FILE] URL OUT       fetch a file (pacman's XferCommand)
       pacsrv-xfer [--config FILE] daemon         run the node in the foreground
       pacsrv-xfer [--config FILE] announce       tell the daemon to look at the cache again
       pacsrv-xfer [--config FILE] status [--json]
       pacsrv-xfer [--config FILE] find FILE [--json]   ask the network who has a file
       pacsrv-xfer [--config FILE] check          what is wrong with this set-up, and its mend
       pacsrv-xfer [--config FILE] webhost [--listen ADDRESS:PORT]   run a rendezvous server
       pacsrv-xfer --help | --version
In pacman.conf:  XferCommand = /usr/bin/pacsrv-xfer %u %o`

const print = (line: string) => process.stdout.write(`${line}\n`)

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parse(args)
  if (values.version) return done(print(`pacsrv-xfer ${PACSRV_VERSION}`))
  if (values.help) return done(print(USAGE))
  const [word, ...rest] = positionals
  const file = values.config ?? DEFAULT_CONFIG_FILE
  const config = () => readConfig(file, ownPaths)
  const wanted = word === 'find' || word === 'user-of' ? 1 : 0
  if (rest.length > wanted) throw usage(`"${rest[wanted]}" is one word too many`)
  if (rest.length < wanted) throw usage('the name of a file is missing')
  const json = values.json === true
  if (json && word !== 'status' && word !== 'find') throw usage('--json goes with status and find')
  if (values.listen !== undefined && word !== 'webhost') throw usage('--listen goes with webhost')
  switch (word) {
    case 'daemon':
      return runDaemonCommand(config(), PACSRV_VERSION)
    case 'announce':
      return announce(config)
    // The front's question when root starts one of these: which user it is to become.
    case 'user-of':
      return userOf(config(), rest[0] as 'daemon' | 'webhost', print)
    case 'status':
      return runStatus(config(), { json, print })
    case 'find':
      return runFind(config(), { name: rest[0]!, json, print })
    case 'webhost':
      return runWebhost(listenOption(values.listen))
    case 'check':
      return runCheck(config, print)
    case undefined:
      throw usage('a URL and a file, or a command, are missing')
    default:
      throw usage(word.includes('://') ? 'the file to write is missing' : `there is no command "${word}"`)
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        config: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'V' },
        json: { type: 'boolean' },
        listen: { type: 'string' },
      },
    })
  } catch (error) {
    throw usage((error as Error).message)
  }
}

function usage(problem: string): PacsrvError {
  return new PacsrvError('usage', `${problem}; see pacsrv-xfer --help`)
}

function listenOption(text = '[::]:8050'): Endpoint {
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
