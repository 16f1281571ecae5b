import { readFile, rename, writeFile } from 'node:fs/promises'
import { reachOf } from '../../base/address.ts'
import { type Endpoint, endpoint, hostPort, LOWEST_PORT, splitHostPort } from '../../base/endpoint.ts'
import { asError } from '../../base/error.ts'
import type { Log } from '../../base/log.ts'

/** Nodes kept for the next start. */
export const MAX_KNOWN = 100
const MAX_LINE = 21

/** The nodes of an earlier run, one `ADDRESS:PORT` a line; whatever else the file holds is passed over. Never rejects. */
export async function loadKnown(file: string): Promise<Endpoint[]> {
  const text = await readFile(file, 'latin1').catch(() => '')
  return text
    .slice(0, MAX_KNOWN * (MAX_LINE + 1))
    .split('\n')
    .flatMap((line) => known(line) ?? [])
    .slice(0, MAX_KNOWN)
}

function known(line: string): Endpoint | undefined {
  const parts = splitHostPort(line)
  const node = parts && endpoint(parts.host, parts.port)
  if (node === undefined || node.startsWith('[') || reachOf(node) === undefined) return undefined
  return hostPort(node).port >= LOWEST_PORT ? node : undefined
}

/** Never rejects: the next start then has to begin with the bootstrap nodes. */
export async function saveKnown(file: string, nodes: Endpoint[], log: Log): Promise<void> {
  try {
    await writeFile(
      `${file}.new`,
      nodes
        .slice(0, MAX_KNOWN)
        .map((node) => `${node}\n`)
        .join(''),
    )
    await rename(`${file}.new`, file)
  } catch (error) {
    log.warn({ err: asError(error) }, "the DHT's nodes can't be kept for the next start")
  }
}
