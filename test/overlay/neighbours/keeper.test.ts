import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createTestNetwork } from '../network.ts'

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

test('of a larger LAN each dials half of its places, so that who comes last is let in', async () => {
  const { node, run } = createTestNetwork()
  const nodes = []
  for (let i = 0; i < 45; i++) {
    const one = await node(`10.0.0.${i + 1}`, { minConnections: 0 })
    for (const other of nodes) {
      one.overlay.meet(other.address, other.overlay.id)
      other.overlay.meet(one.address, one.overlay.id)
    }
    nodes.push(one)
    await run(200)
  }
  await run(30_000)
  const counts = nodes.map(({ overlay }) => overlay.neighbours().length)
  assert.ok(Math.min(...counts) >= 10, `${counts}`)
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

test.run()
