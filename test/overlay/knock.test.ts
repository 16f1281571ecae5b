import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createTestNetwork } from './network.ts'

const reason = (meeting: Promise<unknown>) =>
  meeting.then(
    () => 'met',
    (error) => error.message as string,
  )

test('who listens at an address that a stranger named is met, whoever it is', async () => {
  const { node, run } = createTestNetwork()
  const [asker, other] = [await node('203.0.113.1'), await node('203.0.113.2')]
  const meeting = asker.overlay.knock(other.address)
  await run(1_000)
  const { id, purpose } = await meeting
  assert.is(id, other.overlay.id)
  assert.is(purpose, 'transfer')
  assert.is(other.served.length, 1)
})

test('where no node was, none is looked for in the next ten minutes; nor at ports of the system', async () => {
  const { node, run, network, clock } = createTestNetwork()
  const asker = await node('203.0.113.1', { minConnections: 0 })
  // A BitTorrent client, say: it takes the connection and says nothing that a node would.
  let dialled = 0
  await network.transport('203.0.113.2').listen('203.0.113.2:6881', (link) => {
    dialled++
    link.handle({ onMessage() {}, onClose() {} })
  })
  const first = reason(asker.overlay.knock('203.0.113.2:6881'))
  await run(6_000)
  assert.match(await first, 'did not greet')
  assert.match(await reason(asker.overlay.knock('203.0.113.2:6881')), 'not worth')
  assert.match(await reason(asker.overlay.knock('203.0.113.2:1023')), 'not worth')
  assert.is(dialled, 1)
  clock.advance(10 * 60_000)
  const again = reason(asker.overlay.knock('203.0.113.2:6881'))
  await run(6_000)
  await again
  assert.is(dialled, 2)
})

test('strangers make a node dial 20 at once and 30 a minute', async () => {
  const { node, run } = createTestNetwork()
  const asker = await node('203.0.113.1', { minConnections: 0 })
  const reasons = Array.from({ length: 21 }, (_, i) => reason(asker.overlay.knock(`203.0.113.9:${2000 + i}`)))
  await run(5_000)
  const refused = (await Promise.all(reasons)).filter((text) => text.includes('not worth'))
  assert.is(refused.length, 1)
})

test.run()
