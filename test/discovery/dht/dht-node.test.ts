import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLog } from '../../../src/base/log.ts'
import { systemRandom } from '../../../src/base/random.ts'
import { dhtKeys } from '../../../src/discovery/dht/dht-keys.ts'
import { createDhtNode } from '../../../src/discovery/dht/dht-node.ts'
import { seeded } from '../../seeded.ts'
import { createTestDht, spray, type TestDht, timeToFirst } from './dht-network.ts'

const keys = dhtKeys()
const key = keys.package('ab'.repeat(32))
let dht: TestDht

test.before(async () => {
  dht = await createTestDht(12)
})
test.after(() => dht.stop())

test('what one node announced another finds, at the address it came from and the port it named', async () => {
  const [, holder, , asker] = dht.nodes
  assert.ok(await holder!.announce(key, 8048))
  const found: string[] = []
  await asker!.lookup(key, { onPeer: (address) => void found.push(address) })
  assert.equal(found, ['127.1.0.2:8048'])
})

test('what nobody announced is not found, and the lookup ends', async () => {
  assert.is(await timeToFirst(dht.nodes[5]!, keys.package('cd'.repeat(32))), undefined)
})

test('a lookup that is called off ends at once and tells no more', async () => {
  const stop = new AbortController()
  let told = 0
  const looking = dht.nodes[6]!.lookup(key, { signal: stop.signal, onPeer: () => told++ })
  stop.abort()
  await looking
  assert.is(told, 0)
  await dht.nodes[6]!.lookup(key, { signal: stop.signal, onPeer: () => told++ })
  assert.is(told, 0)
})

test('malformed queries and answers leave it as it was', async () => {
  const victim = dht.nodes[7]!
  const before = victim.nodes().sort()
  let exceptions = 0
  const count = () => void exceptions++
  process.on('uncaughtException', count)
  const spraying = spray(victim.listening!, 5_000, seeded(3), ['127.2.0.1', '127.2.0.2', '127.2.0.3'])
  assert.ok((await timeToFirst(victim, key)) !== undefined, 'while it goes on')
  await spraying
  assert.ok((await timeToFirst(victim, key)) !== undefined, 'afterwards')
  process.off('uncaughtException', count)
  assert.is(exceptions, 0)
  assert.ok(victim.dropped() > 2_500, `${victim.dropped()}`)
  const strangers = victim.nodes().filter((node) => node.startsWith('127.2.'))
  assert.equal(strangers, [], 'who never answered is not in the table')
  assert.ok(before.length > 0)
})

test('a node that is stopped, or was never started, answers quietly', async () => {
  const node = createDhtNode(
    { clock: systemClock, random: systemRandom, log: silentLog, resolve: async () => [], onJoined() {} },
    { bootstrap: [{ host: '127.1.0.1', port: 1 }] },
  )
  await node.lookup(keys.meeting, { onPeer() {} })
  assert.not.ok(await node.announce(keys.meeting, 8048))
  await node.start('127.3.0.1:0', [])
  const looking = node.lookup(keys.meeting, { onPeer() {} })
  await node.stop()
  await looking
  await node.stop()
})

test('a port that is taken is said so', async () => {
  const node = createDhtNode(
    { clock: systemClock, random: systemRandom, log: silentLog, resolve: async () => [], onJoined() {} },
    { bootstrap: [{ host: '127.1.0.1', port: 1 }] },
  )
  const problem = await node.start(dht.nodes[0]!.listening!, []).catch((error) => error)
  assert.match(problem.message, /can't take packets at .* EADDRINUSE/)
  await node.stop()
})

test.run()
