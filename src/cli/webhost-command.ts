import { systemClock } from '../base/clock.ts'
import type { Config } from '../base/config.ts'
import type { Endpoint } from '../base/endpoint.ts'
import { PacsrvError } from '../base/error.ts'
import { systemRandom } from '../base/random.ts'
import { createLoggers } from '../daemon/loggers.ts'
import { infoHashes } from '../discovery/webhost/webhost-query.ts'
import { createWebhost } from '../discovery/webhost/webhost-server.ts'
import { readKeyFile } from '../net/key-file.ts'
import { createTcpTransport, loadTls } from '../net/tcp.ts'
import { createIdentity } from '../overlay/session/identity.ts'
import { openSession } from '../overlay/session/session.ts'

const DIAL_MS = 5_000

/**
 * `pacsrv-xfer webhost`: runs until a signal; the front sees to it that it isn't root. With a key-file it serves
 * that closed network and no other.
 */
export async function runWebhost(config: Config, listen: Endpoint): Promise<number> {
  if (process.getuid?.() === 0) {
    throw new PacsrvError('usage', 'the webhost never runs as root; start it by pacsrv-xfer webhost')
  }
  const { 'log-level': levels, 'log-format': format } = config.daemon
  const log = createLoggers(levels, { format, name: 'pacsrv-webhost' }).logOf('webhost')
  const parts = { clock: systemClock, random: systemRandom, log }
  const keys = config.network['key-file'].map(readKeyFile)
  const transport = createTcpTransport({ ...parts, tls: await loadTls(keys) })
  const identity = createIdentity()

  /** Whether a node of the network answers there. */
  async function dialBack(address: Endpoint): Promise<boolean> {
    try {
      const link = await transport.dial(address, DIAL_MS)
      const greeting = { purpose: 'transfer' as const, port: 0, agent: 'pacsrv webhost' }
      const session = await openSession(link, { ...parts, identity }, greeting)
      session.handle({ onMessage() {}, onClose() {} })
      session.close('only looking whether you can be reached')
      return true
    } catch {
      return false
    }
  }

  const webhost = createWebhost({ ...parts, dialBack }, { listen, infoHashes: infoHashes(keys) })
  await webhost.start()
  await new Promise((resolve) => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
  await webhost.stop()
  return 0
}
