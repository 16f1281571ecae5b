/**
 * A neighbour that knows of holders who are gone, run in a process of its own: `rumour.ts ENDPOINT SETTING`. To each
 * search for the file it answers in the name of `dead`. Tells by IPC that it is connected.
 */
import { systemClock as clock } from '../../src/base/clock.ts'
import type { Endpoint } from '../../src/base/endpoint.ts'
import { silentLog as log } from '../../src/base/log.ts'
import { systemRandom as random } from '../../src/base/random.ts'
import { createTcpTransport } from '../../src/net/tcp.ts'
import { createIdentity } from '../../src/overlay/session/identity.ts'
import { openSession } from '../../src/overlay/session/session.ts'
import type { HeldFile, Message } from '../../src/wire/messages.ts'

export interface RumourSetting {
  files: HeldFile[]
  /** Where nobody is any more. */
  dead: Endpoint[]
}

const [target, json] = process.argv.slice(2) as [Endpoint, string]
const { files, dead } = JSON.parse(json) as RumourSetting
const identity = createIdentity()
const ids = dead.map(() => random.hex(32))
const link = await createTcpTransport({ log }).dial(target, 3_000)
const session = await openSession(
  link,
  { identity, clock, random, log },
  { purpose: 'neighbour', port: 0, agent: 'rumour' },
)

function answer(message: Message) {
  if (message.type !== 'file') return
  const known = files.filter(({ sha256 }) => message.files.some((file) => file.sha256 === sha256))
  if (known.length === 0) return
  for (const [n, address] of dead.entries()) {
    const way = [{ id: ids[n]!, address }, { id: identity.id }]
    const { query, path } = message
    session.send({ type: 'fileAck', query, ttl: 7, path, way, reachable: true, files: known })
  }
}

session.handle({ onMessage: answer, onClose: () => process.exit(1) })
process.send!('connected')
process.on('disconnect', () => process.exit())
