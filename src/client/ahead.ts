/**
 * Reads a transaction ahead: asks pacman what else it will download, and tells the daemon. Started by the client as
 * `node ahead.cjs SOCKET PARENT` and left to itself; whatever goes wrong, pacman is served file by file. It ends with the
 * pacman that it is for, and so does the pacman that it asks.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type AheadRequest, curlEnvironment } from '../http/fetch-stream.ts'
import { parsePrinted, readAheadArguments } from '../pacman/read-ahead.ts'
import { askDaemon } from './ask-daemon.ts'

const PACMAN_MS = 10_000
const DAEMON_MS = 2_000
/** Thousands of URLs. */
const PRINTED_BYTES = 4 * 1024 * 1024
/** How often it is looked whether pacman is still there, in milliseconds. */
const LOOK_MS = 200

/** When the process with this number began, as proc(5) has it; undefined when there is none. */
function startOf(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ')[19]
  } catch {
    return undefined
  }
}

/** What pacman prints; rejects where it fails. It ends with this process. By Node alone: execa would be all that is to load. */
function printed(args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { timeout: PACMAN_MS, maxBuffer: PRINTED_BYTES }
    const pacman = execFile('pacman', args, options, (error, stdout) =>
      error ? reject(error) : resolve(stdout),
    )
    pacman.stdin?.end()
    process.once('exit', () => pacman.kill())
  })
}

async function readAhead([socket, parent]: [string, string]): Promise<void> {
  const start = startOf(parent)
  const endWithIt = () => {
    if (startOf(parent) !== start) process.exit()
  }
  setInterval(endWithIt, LOOK_MS).unref()
  const argv = readFileSync(`/proc/${parent}/cmdline`, 'utf8').split('\0').slice(0, -1)
  const args = readAheadArguments(argv)
  if (!args) return
  const urls = parsePrinted(await printed(args))
  if (urls.length === 0) return
  endWithIt()
  const body: AheadRequest = {
    urls,
    environment: curlEnvironment(process.env),
    transaction: `${parent} ${start}`,
  }
  await askDaemon(socket, {
    method: 'POST',
    path: '/v1/ahead',
    body: JSON.stringify(body),
    patience: DAEMON_MS,
  })
}

// Its pacman ends with an exit, and not with a signal that nobody hears.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit())
readAhead(process.argv.slice(2) as [string, string]).catch(() => {})
