/** Row F: a claim that nobody has proved keeps a search from honest holders. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Holder } from '../../src/overlay/query/holders.ts'
import { createTestNetwork, directTo, held, wanted } from '../overlay/network.ts'
import { enter } from './actors.ts'

/** A node, an honest holder three hops away, and a neighbour that says what it likes. */
async function setting() {
  const net = createTestNetwork({ latency: 5 }, 14)
  const near = await net.node('192.0.2.1', { minConnections: 0 })
  const middle = await net.node('192.0.2.2', { minConnections: 0, direct: directTo(near) })
  const holder = await net.node('192.0.2.3', { minConnections: 0, direct: directTo(middle) })
  const asker = await net.node('198.51.100.1', { minConnections: 0, direct: directTo(near) })
  await net.run(1_000)
  const enemy = (await enter(net, '203.0.113.9', asker.address))!
  holder.holds.set(wanted('vim').sha256, held('vim'))
  const found: Holder[] = []
  const search = (beyond: boolean) =>
    asker.overlay.find([wanted('vim')], { beyond, onHolder: (one) => void found.push(one) })
  const hasHonest = () => found.some(({ id }) => id === holder.overlay.id)
  return { ...net, asker, enemy, search, hasHonest }
}

test('a neighbour announces the file: a search beyond what is claimed finds the honest holder all the same', async () => {
  const { run, enemy, search, hasHonest } = await setting()
  enemy.session.send({ type: 'announce', files: [held('vim')] })
  await run(50)
  void search(false)
  await run(1_000)
  assert.not.ok(hasHonest(), 'the claim is enough as long as it may be true')
  void search(true)
  await run(1_000)
  assert.ok(hasHonest())
})

test('a neighbour answers at once, and announces it again and again meanwhile', async () => {
  const { run, enemy, search, hasHonest } = await setting()
  void search(true)
  for (let n = 0; n < 20; n++) {
    enemy.session.send({ type: 'announce', files: [held('vim')] })
    await run(50)
  }
  assert.ok(hasHonest())
})

test.run()
