import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { behind, createTestNetwork, directTo } from '../network.ts'

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
