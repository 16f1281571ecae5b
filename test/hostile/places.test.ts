/** Rows I and K: one address takes every place, and makes a node greet and write without end. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Log, silentLog } from '../../src/base/log.ts'
import { createTestNetwork } from '../overlay/network.ts'
import { type Enemy, enter } from './actors.ts'

const SEED = 12
const VICTIM = '198.51.100.1'
const ENEMY = '203.0.113.9'

test('thirty identities of one address fill the neighbourhood: newcomers from elsewhere get in', async () => {
  const net = createTestNetwork({ latency: 5 }, SEED)
  const victim = await net.node(VICTIM, { minConnections: 0, maxConnections: 30 })
  for (let n = 0; n < 30; n++) {
    assert.ok(await enter(net, ENEMY, victim.address))
    // Within what one address may greet.
    await net.run(500)
  }
  const honest: (Enemy | undefined)[] = []
  for (let n = 1; n <= 5; n++) honest.push(await enter(net, `192.0.2.${n}`, victim.address))
  await net.run(500)
  const ids = new Set(victim.overlay.neighbours().map(({ id }) => id))
  assert.is(honest.filter((one) => one && ids.has(one.id)).length, 5)
  for (let n = 0; n < 25; n++) await enter(net, ENEMY, victim.address)
  await net.run(500)
  const after = new Set(victim.overlay.neighbours().map(({ id }) => id))
  assert.is(honest.filter((one) => one && after.has(one.id)).length, 5, 'and stay')
  assert.is(victim.overlay.banned, 0)
})

test('400 handshakes in 24 s from one address: few are answered, fewer logged, others get in', async () => {
  const net = createTestNetwork({ latency: 5 }, SEED)
  let lines = 0
  const count = () => void lines++
  const log: Log = { ...silentLog, info: count, warn: count, error: count }
  const victim = await net.node(VICTIM, { minConnections: 0, maxConnections: 30, log })
  let greeted = 0
  for (let n = 0; n < 400; n++) {
    const enemy = await enter(net, ENEMY, victim.address)
    if (enemy) greeted++
    enemy?.session.close('again')
  }
  assert.ok(greeted <= 24 + 2 * 24, `${greeted} greetings`)
  assert.ok(lines <= 25, `${lines} lines`)
  assert.ok(await enter(net, '192.0.2.1', victim.address))
})

test.run()
