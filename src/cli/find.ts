import type { Config } from '../base/config.ts'
import { PacsrvError } from '../base/error.ts'
import { humanSize } from '../base/progress.ts'
import { askDaemon } from '../client/ask-daemon.ts'
import type { FoundFile } from '../http/find.ts'

/** A search is over in 2.5 s. */
const PATIENCE_MS = 5_000

/** `pacsrv-xfer find WHAT`: exit status 1 when nobody has it. */
export async function runFind(
  config: Config,
  { wanted, json, print }: { wanted: string; json: boolean; print(line: string): void },
): Promise<number> {
  const { socket } = config.server
  const path = `/v1/find?name=${encodeURIComponent(wanted)}`
  const answer = await askDaemon(socket, { method: 'GET', path, patience: PATIENCE_MS }).catch((error) => {
    throw new PacsrvError('daemon', `no daemon answers at ${socket}; see pacsrv-xfer check`, error)
  })
  if (answer.status === 404) {
    throw new PacsrvError(
      'usage',
      `no sync database names ${wanted}; give a package's name, its file's name, or a URL as pacman -Sp prints it`,
    )
  }
  if (answer.status !== 200) {
    throw new PacsrvError(
      'daemon',
      `the daemon at ${socket} answered with ${answer.status}; see pacsrv-xfer check`,
    )
  }
  const found = JSON.parse(answer.body) as FoundFile
  if (json) print(JSON.stringify(found))
  else for (const line of lines(found)) print(line)
  return found.holders.length > 0 || found.here ? 0 : 1
}

function lines({ file, size, here, holders }: FoundFile): string[] {
  const count = holders.length === 1 ? '1 node has it' : `${holders.length} nodes have it`
  return [
    `${file} (${humanSize(size)}): ${count}${here ? ', and so has this one' : ''}`,
    ...holders.map(
      ({ id, address, reachable }) =>
        `  ${address ?? 'behind NAT'}${reachable ? '' : ' (dials us)'}  ${id.slice(0, 16)}`,
    ),
  ]
}
