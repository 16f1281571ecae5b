import type { Config } from '../base/config.ts'
import { askDaemon } from '../client/ask-daemon.ts'

/** `pacsrv-xfer announce`: quick, silent, and never a failure, whatever is missing. */
export async function announce(readConfig: () => Config): Promise<number> {
  try {
    const { socket } = readConfig().server
    await askDaemon(socket, { method: 'POST', path: '/v1/announce', patience: 1_000 })
  } catch {}
  return 0
}
