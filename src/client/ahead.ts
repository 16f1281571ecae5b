/**
 * Reads a transaction ahead: asks pacman what else it will download, and tells the daemon. Started by the client as
 * `node ahead.cjs SOCKET PARENT` and left to itself; whatever goes wrong, pacman is served file by file.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type AheadRequest, curlEnvironment } from '../http/fetch-stream.ts'
import { parsePrinted, readAheadArguments } from '../pacman/read-ahead.ts'
import { askDaemon } from './ask-daemon.ts'

const PACMAN_MS = 10_000
/** A line of some 200 bytes for each of all of Arch's packages is a tenth of it. */
const PRINTED_BYTES = 32 * 1024 * 1024
const DAEMON_MS = 2_000

async function readAhead([socket, parent]: string[]): Promise<void> {
  const argv = readFileSync(`/proc/${parent}/cmdline`, 'utf8').split('\0').slice(0, -1)
  const args = readAheadArguments(argv)
  if (!args) return
  const urls = parsePrinted(await printed(args))
  if (urls.length === 0) return
  const start = readFileSync(`/proc/${parent}/stat`, 'latin1').split(') ').at(-1)?.split(' ')[19]
  const body: AheadRequest = {
    urls,
    environment: curlEnvironment(process.env),
    transaction: `${parent} ${start}`,
  }
  await askDaemon(socket!, {
    method: 'POST',
    path: '/v1/ahead',
    body: JSON.stringify(body),
    patience: DAEMON_MS,
  })
}

/** What pacman prints, nothing where it fails. Not by execa: to load it takes longer than all else here. */
function printed(args: string[]): Promise<string> {
  return new Promise((resolve) => {
    const options = { timeout: PACMAN_MS, maxBuffer: PRINTED_BYTES }
    const child = execFile('pacman', args, options, (error, stdout) => resolve(error ? '' : stdout))
    child.stdin?.end()
  })
}

readAhead(process.argv.slice(2)).catch(() => {})
