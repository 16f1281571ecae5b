import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createTestNetwork } from './network.ts'

test('the nodes of a LAN are all neighbours, and leave five places of thirty free', async () => {
  const { node, run } = createTestNetwork()
  const me = await node('10.0.1.1', { minConnections: 0 })
  for (let i = 0; i < 30; i++) {
    const other = await node(`10.0.0.${i + 1}`, { minConnections: 0 })
    me.overlay.meet(other.address, other.overlay.id)
  }
  await run(10_000)
  assert.is(me.overlay.neighbours().length, 25)
})

test('nodes of the LAN take nothing from the least number of others', async () => {
  const { node, run } = createTestNetwork()
  const me = await node('10.0.1.1', { minConnections: 3 })
  for (let i = 0; i < 6; i++) {
    const near = await node(`10.0.0.${i + 1}`, { minConnections: 0 })
    me.overlay.meet(near.address, near.overlay.id)
  }
  await run(2_000)
  assert.is(me.overlay.neighbours().length, 6)
  for (let i = 0; i < 6; i++) {
    const far = await node(`192.0.2.${i + 1}`, { minConnections: 0 })
    me.overlay.learn([far.address], 'stranger')
  }
  await run(30_000)
  const far = me.overlay.neighbours().filter(({ address }) => address.startsWith('192.0.2.'))
  assert.is(far.length, 3)
})

test('over a link-local address, with its zone, neighbours meet, tell nobody of it, and fetch', async () => {
  const { node, run } = createTestNetwork()
  const a = await node('fe80::1%eth0', { holds: ['vim'], minConnections: 0 })
  const at = `[fe80::1%eth0]:8048`
  const b = await node('fe80::2%eth0', { minConnections: 0 })
  b.overlay.meet(at, a.overlay.id)
  await run(1_000)
  assert.equal(
    b.overlay.neighbours().map(({ address }) => address),
    [at],
  )
  const c = await node('fe80::3%eth0', { minConnections: 3 })
  c.overlay.meet('[fe80::2%eth0]:8048', b.overlay.id)
  await run(20_000)
  assert.equal(
    c.overlay.neighbours().map(({ id }) => id),
    [b.overlay.id],
    'b has told c of no address of a',
  )
  const search = b.find('vim')
  await run(3_000)
  assert.equal(
    search.holders.map(({ id, address }) => ({ id, address })),
    [{ id: a.overlay.id, address: undefined }],
    'the answer has no address',
  )
  const connecting = b.overlay.connect(search.holders[0]!)
  await run(500)
  assert.is((await connecting).remote, at)
})

test.run()
