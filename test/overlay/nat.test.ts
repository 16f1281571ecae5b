import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createTestNetwork, directTo, held } from './network.ts'

const behind = (seenAs: string) => ({ nat: { seenAs, silent: true }, minConnections: 0 })

test('a node behind NAT learns that it cannot be dialled, one in the open that it can', async () => {
  const { node, run } = createTestNetwork()
  const hub = await node('203.0.113.1', { minConnections: 0 })
  const inside = await node('192.168.0.2', { ...behind('203.0.113.9'), direct: directTo(hub) })
  const open = await node('203.0.113.2', { minConnections: 0, direct: directTo(hub) })
  assert.is(inside.overlay.reachable, 'unknown')
  await run(10_000)
  assert.is(inside.overlay.reachable, 'no')
  assert.is(open.overlay.reachable, 'yes')
  assert.is(hub.overlay.reachable, 'yes', 'others have dialled it')
})

test('a node that does not listen is out of reach; one with a port forward says where it is', async () => {
  const { node } = createTestNetwork()
  const deaf = await node('10.0.0.1', { listen: undefined })
  assert.is(deaf.overlay.reachable, 'no')
  const forwarded = await node('10.0.0.2', { advertise: '203.0.113.9:8048' })
  assert.is(forwarded.overlay.reachable, 'yes')
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

test('who dials a neighbour back serves it on that session', async () => {
  const { node, run } = createTestNetwork()
  const a = await node('10.0.0.1')
  const b = await node('10.0.0.2', { direct: directTo(a) })
  await run(3_000)
  assert.equal(
    a.served.map(({ id, outbound }) => ({ id, outbound })),
    [{ id: b.overlay.id, outbound: true }],
  )
  assert.not.ok(a.served[0]!.parted)
})

test.run()
