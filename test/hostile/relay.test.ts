/** Row C: a stranger makes a node pay for what it passes on. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { messageBytes } from '../../src/wire/size.ts'
import type { TestNode } from '../overlay/network.ts'
import { directTo, held } from '../overlay/network.ts'
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
    const before = net.sentBy(VICTIM, ENEMY)
    let sent = 0
    for (let n = 0; n < 275; n++) {
      const query = largestQuery(net, [{ id: enemy.id }])
      sent += messageBytes(query)
      enemy.session.send(query)
      await net.run(36)
    }
    const relayed = net.sentBy(VICTIM, ENEMY) - before
    const most = Math.min(4.1 * sent, uploadLimit === undefined ? Number.POSITIVE_INFINITY : 10 * uploadLimit)
    assert.ok(relayed <= most, `${relayed} bytes for ${sent}`)
  })
}

test('ten identities at one address have one budget', async () => {
  const { net } = await setting()
  const enemies = []
  for (let n = 0; n < 10; n++) enemies.push((await enter(net, ENEMY, `${VICTIM}:8048`))!)
  const before = net.sentBy(VICTIM, ENEMY)
  let sent = 0
  for (let n = 0; n < 200; n++) {
    for (const { id, session } of enemies) {
      const query = largestQuery(net, [{ id }])
      sent += messageBytes(query)
      session.send(query)
    }
    await net.run(20)
  }
  const relayed = net.sentBy(VICTIM, ENEMY) - before
  assert.ok(relayed <= 16 * 1024 * 1024 + 4 * 2 * 1024 * 1024, `${relayed} bytes for ${sent}`)
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
