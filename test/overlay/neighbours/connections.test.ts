import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createAccess } from '../../../src/base/access-list.ts'
import { PacsrvError } from '../../../src/base/error.ts'
import { type Log, silentLog } from '../../../src/base/log.ts'
import { createProblems } from '../../../src/base/problems.ts'
import type { Link, Transport } from '../../../src/net/transport.ts'
import { createBans } from '../../../src/overlay/neighbours/bans.ts'
import { createConnections } from '../../../src/overlay/neighbours/connections.ts'
import { createIdentity } from '../../../src/overlay/session/identity.ts'
import { createClock } from '../../clock.ts'
import { seeded } from '../../seeded.ts'

const HOUR = 3_600_000
const settled = () => new Promise((resolve) => setImmediate(resolve))

/** A node that everybody comes to, or is dialled, with the wrong key. */
async function setUp() {
  const clock = createClock()
  const warnings: string[] = []
  const log: Log = { ...silentLog, warn: (_, message) => warnings.push(message) }
  const bans = createBans(clock)
  let knock: (link: Link) => void = () => {}
  const transport: Transport = {
    async listen(endpoint, onLink) {
      knock = onLink
      return { endpoint, close: async () => {} }
    },
    async dial(endpoint) {
      throw new PacsrvError('key', `${endpoint} has another key.`)
    },
  }
  const problems = createProblems(clock)
  const connections = createConnections(
    {
      transport,
      bans,
      access: createAccess({ allow: [], deny: [] }),
      log,
      problems,
      clock,
      random: seeded(1),
      identity: createIdentity(),
    },
    { listen: '0.0.0.0:8048', agent: 'test' },
    () => assert.unreachable('nobody greeted'),
  )
  await connections.start()
  const comes = async (remote: string, why = `${remote} has another key.`) => {
    const closed = new PacsrvError('key', why)
    knock({
      remote,
      outbound: false,
      received: 0,
      handle: (handler) => queueMicrotask(() => handler.onClose(closed)),
      send: () => true,
      recycle() {},
      close() {},
    })
    await settled()
  }
  return { clock, connections, warnings, problems, bans, comes }
}

test('a stranger with another key is spoken of once an hour, and is not banned', async () => {
  const { clock, warnings, comes, bans } = await setUp()
  for (let port = 0; port < 40; port++) await comes(`192.0.2.1:${40_000 + port}`)
  assert.equal(warnings, ['192.0.2.1:40000 has another key.'])
  clock.advance(HOUR - 1)
  await comes('192.0.2.1:1')
  assert.is(warnings.length, 1)
  clock.advance(1)
  await comes('192.0.2.1:2')
  assert.is(warnings.length, 2)
  assert.is(bans.count, 0)
})

test('one of this site with another key is a problem for an hour, a stranger is none', async () => {
  const { clock, comes, problems } = await setUp()
  await comes('192.0.2.1:40000')
  assert.equal(problems.all(), [])
  await comes('10.0.0.2:40000')
  const [problem] = problems.all()
  assert.is(problem?.code, 'key')
  assert.is(problem?.problem, '10.0.0.2:40000 has another key.')
  assert.match(problem?.fix ?? '', 'key-file')
  clock.advance(3_600_000)
  assert.equal(problems.all(), [])
})

test('a node that names no address in its fault is named by the one that it came from', async () => {
  const { comes, problems } = await setUp()
  await comes('10.0.0.2:40000', 'The other node is in a closed network.')
  assert.is(problems.all()[0]?.problem, 'The node at 10.0.0.2 is in a closed network.')
})

test('many strangers at the door do not fill the log', async () => {
  const { clock, warnings, comes } = await setUp()
  for (let n = 0; n < 200; n++) await comes(`192.0.2.${n}:40000`)
  assert.is(warnings.length, 10)
  for (let n = 0; n < 200; n++) {
    clock.advance(60_000)
    await comes(`198.51.100.${n}:40000`)
  }
  assert.ok(warnings.length > 20 && warnings.length <= 30, `${warnings.length} in 200 minutes`)
})

test('a node with another key that was dialled is spoken of once as well', async () => {
  const { connections, warnings } = await setUp()
  for (let n = 0; n < 3; n++) {
    const error = await connections.dial('192.0.2.1:8048', 'neighbour').catch((error) => error)
    assert.is(error.code, 'key')
  }
  assert.equal(warnings, ['192.0.2.1:8048 has another key.'])
})

test.run()
