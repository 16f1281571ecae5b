import { request } from 'node:http'
import type { Config } from '../base/config.ts'

/** The hook waits for nobody: what takes longer than this is left, in milliseconds. */
const PATIENCE_MS = 1_000

/** `pacsrv-xfer announce`: quick, silent, and never a failure, whatever is missing. */
export async function announce(readConfig: () => Config): Promise<number> {
  await ask(readConfig).catch(() => {})
  return 0
}

function ask(readConfig: () => Config): Promise<void> {
  return new Promise((resolve, reject) => {
    const { socket } = readConfig().server
    const signal = AbortSignal.timeout(PATIENCE_MS)
    const asked = request(
      { socketPath: socket, path: '/v1/announce', method: 'POST', signal },
      (response) => {
        response.resume().on('end', resolve)
      },
    )
    asked.on('error', reject).end()
  })
}
