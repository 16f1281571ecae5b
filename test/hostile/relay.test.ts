/** Row C: a stranger makes a node pay for what it passes on. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { messageBytes } from '../../src/wire/size.ts'
import type { TestNode } from '../overlay/network.ts'
import { directTo, held, wanted } from '../overlay/network.ts'
import { createCountedNetwork, enter, largestQuery } from './actors.ts'

const SEED = 11
const VICTIM = '198.51.100.1'
const ENEMY = '203.0.113.9'

/** A node in the world with twelve neighbours, and a stranger. */
async function setting(uploadLimit?: number) {
  const net = createCountedNetwork(SEED)
  const victim = await net.node(VICTIM, { minConnections: 0, uploadLimit })
  const others: TestNode[] = []
  for (let n = 1; n <= 12; n++) {
    others.push(await net.node(`192.0.2.${n}`, { minConnections: 0, direct: directTo(victim) }))
  }
  await net.run(1_000)
  return { net, victim, others }
}

for (const [what, uploadLimit] of [
  ['without an upload-limit', undefined],
  ['with upload-limit = 100K', 100_000],
] as const) {
  test(`275 of the largest questions in 10 s, ${what}: four times their bytes at most, within the limit`, async () => {
    const { net } = await setting(uploadLimit)
    const enemy = (await enter(net, ENEMY, `${VICTIM}:8048`))!
    for (let n = 0; n < 275; n++) {
      enemy.session.send(largestQuery(net, [{ id: enemy.id }]))
      await net.run(36)
      assert.ok(net.relayedBy(VICTIM, ENEMY) <= 4 * net.sentBy(ENEMY), `after ${n}`)
    }
    const relayed = net.relayedBy(VICTIM, ENEMY)
    assert.ok(relayed > 147_000, 'some of it is passed on')
    if (uploadLimit) assert.ok(relayed <= 10 * uploadLimit, `${relayed} bytes`)
  })
}

test('the smallest questions, from its first message on: four times its bytes at most', async () => {
  const { net } = await setting()
  const enemies = []
  for (let n = 0; n < 3; n++) enemies.push((await enter(net, ENEMY, `${VICTIM}:8048`))!)
  for (let n = 0; n < 100; n++) {
    for (const { id, session } of enemies) {
      session.send({ type: 'file', query: net.random.hex(16), ttl: 7, path: [{ id }], files: [wanted('x')] })
    }
    await net.run(10)
    const [sent, relayed] = [net.sentBy(ENEMY), net.relayedBy(VICTIM, ENEMY)]
    assert.ok(relayed <= 4 * sent, `${relayed} bytes for ${sent}`)
  }
})

test('a question that its asker can’t pay for reaches the rest when others bring it again', async () => {
  const { net, victim, others } = await setting()
  const [one, second] = [(await enter(net, ENEMY, `${VICTIM}:8048`))!, others[0]!.overlay.neighbours()]
  assert.equal(
    second.map(({ id }) => id),
    [victim.overlay.id],
  )
  const query = { type: 'file' as const, query: net.random.hex(16), ttl: 7, files: [wanted('x')] }
  // What its greeting left is spent before.
  for (let n = 0; n < 5; n++)
    one.session.send({ ...query, query: net.random.hex(16), path: [{ id: one.id }] })
  await net.run(50)
  const before = net.relayedBy(VICTIM, ENEMY)
  one.session.send({ ...query, path: [{ id: one.id }] })
  await net.run(50)
  const first = net.relayedBy(VICTIM, ENEMY) - before
  assert.ok(first > 0)
  for (let n = 1; n <= 4; n++) {
    const again = (await enter(net, `203.0.113.${10 + n}`, `${VICTIM}:8048`))!
    again.session.send({ ...query, path: [{ id: one.id }, { id: again.id }] })
    await net.run(50)
  }
  const copy = messageBytes({ ...query, path: [{ id: one.id }, { id: victim.overlay.id }] })
  const copies = (net.relayedBy(VICTIM, ENEMY) - before) / copy
  assert.ok(first / copy < 12, `${first / copy}`)
  assert.is(copies, 12, 'each of the twelve once')
})

test('ten identities at one address have one budget', async () => {
  const { net } = await setting()
  const enemies = []
  for (let n = 0; n < 10; n++) enemies.push((await enter(net, ENEMY, `${VICTIM}:8048`))!)
  for (let n = 0; n < 200; n++) {
    for (const { id, session } of enemies) session.send(largestQuery(net, [{ id }]))
    await net.run(20)
  }
  const relayed = net.relayedBy(VICTIM, ENEMY)
  assert.ok(relayed <= 16 * 1024 * 1024 + 4 * 2 * 1024 * 1024, `${relayed} bytes`)
  assert.ok(relayed <= 4 * net.sentBy(ENEMY))
})

test('what honest neighbours ask still reaches everybody meanwhile', async () => {
  const { net, others } = await setting(100_000)
  const enemy = (await enter(net, ENEMY, `${VICTIM}:8048`))!
  for (let n = 0; n < 100; n++) enemy.session.send(largestQuery(net, [{ id: enemy.id }]))
  await net.run(2_000)
  others[11]!.holds.set(...entryOf('vim'))
  const search = others[0]!.find('vim')
  await net.run(3_000)
  assert.is(search.holders.length, 1)
  assert.is(enemy.closed(), false, 'and nobody was banned for it')
})

function entryOf(name: string) {
  const file = held(name)
  return [file.sha256, file] as const
}

test.run()
