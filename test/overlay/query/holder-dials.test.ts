import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { behind, createTestNetwork, directTo, held } from '../network.ts'

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

test('a holder behind NAT is called, and dials the asker', async () => {
  const { node, run } = createTestNetwork()
  const hub = await node('203.0.113.1', { minConnections: 0 })
  const holder = await node('192.168.0.2', {
    ...behind('203.0.113.9'),
    direct: directTo(hub),
    holds: ['vim'],
  })
  const asker = await node('203.0.113.2', { minConnections: 0, direct: directTo(hub) })
  await run(10_000)
  const search = asker.find('vim')
  await run(1_000)
  assert.is(search.holders[0]?.reachable, false)
  const connecting = asker.overlay.connect(search.holders[0]!)
  await run(500)
  const session = await connecting
  assert.is(session.id, holder.overlay.id)
  assert.is(session.outbound, false)
  assert.equal(
    holder.served.map(({ id }) => id),
    [asker.overlay.id],
  )
  assert.is(hub.overlay.neighbours().length, 2)
})

test('a neighbour behind NAT that announced a file is called over the connection there is', async () => {
  const { node, run } = createTestNetwork()
  const hub = await node('203.0.113.1', { minConnections: 0 })
  const inside = await node('192.168.0.2', { ...behind('203.0.113.9'), direct: directTo(hub) })
  await run(10_000)
  inside.overlay.announce([held('vim')], [])
  await run(100)
  const search = hub.find('vim')
  await run(5)
  const connecting = hub.overlay.connect(search.holders[0]!)
  await run(4_000)
  assert.is((await connecting).id, inside.overlay.id)
})

test('where neither can be dialled, connecting fails at once', async () => {
  const { node, run } = createTestNetwork()
  const hub = await node('203.0.113.1', { minConnections: 0 })
  await node('192.168.0.2', { ...behind('203.0.113.9'), direct: directTo(hub), holds: ['vim'] })
  const asker = await node('192.168.1.2', { ...behind('203.0.113.8'), direct: directTo(hub) })
  await run(10_000)
  const search = asker.find('vim')
  await run(1_000)
  let failed = ''
  asker.overlay.connect(search.holders[0]!).catch((error) => {
    failed = error.code
  })
  await run(5)
  assert.is(failed, 'peer')
})

test('an asker behind NAT dials a holder in the open', async () => {
  const { node, run } = createTestNetwork()
  const hub = await node('203.0.113.1', { minConnections: 0, holds: ['vim'] })
  const asker = await node('192.168.1.2', { ...behind('203.0.113.8'), direct: directTo(hub) })
  await run(10_000)
  const search = asker.find('vim')
  await run(1_000)
  const connecting = asker.overlay.connect(search.holders[0]!)
  await run(500)
  assert.is((await connecting).id, hub.overlay.id)
})

test('a holder that nobody knows to be behind NAT is called when its gateway stays silent for 700 ms', async () => {
  const { node, run } = createTestNetwork()
  const hub = await node('203.0.113.1', { minConnections: 0 })
  const holder = await node('192.168.0.2', {
    ...behind('203.0.113.9'),
    direct: directTo(hub),
    holds: ['vim'],
  })
  const asker = await node('203.0.113.2', { minConnections: 0, direct: directTo(hub) })
  await run(1_000)
  const search = asker.find('vim')
  await run(1_000)
  assert.is(search.holders[0]?.reachable, true, 'it does not know yet')
  const connecting = asker.overlay.connect(search.holders[0]!)
  await run(1_000)
  assert.is((await connecting).id, holder.overlay.id)
  await run(10_000)
  assert.is(holder.served.length, 1)
})

test.run()
