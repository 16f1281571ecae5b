import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type WayFacts, waysOf } from '../../src/http/ways.ts'

const facts = (more: Partial<WayFacts> = {}): WayFacts => ({
  listen: '[::]:8048',
  reachable: 'yes',
  peers: [],
  dht: null,
  problems: [],
  wanted: { lan: true, direct: 0, webhosts: 0, keys: 0 },
  ...more,
})
const states = (more: Partial<WayFacts> = {}) =>
  Object.fromEntries(waysOf(facts(more)).map(({ way, state }) => [way, state]))

test('by default the local network alone is looked at', () => {
  assert.equal(states(), {
    incoming: 'on',
    lan: 'on',
    direct: 'off',
    webhost: 'off',
    dht: 'off',
    closed: 'off',
  })
})

test('what the configuration wants is on', () => {
  const wanted = { lan: false, direct: 1, webhosts: 2, keys: 1 }
  assert.equal(states({ wanted, dht: { nodes: 3, announced: 4 } }), {
    incoming: 'on',
    lan: 'off',
    direct: 'on',
    webhost: 'on',
    dht: 'on',
    closed: 'on',
  })
})

for (const [listen, reachable, state, about] of [
  [null, 'no', 'off', /takes no connections/],
  ['[::]:8048', 'unknown', 'unknown', /tried yet/],
  ['192.0.2.1:8048', 'yes', 'on', /at 192\.0\.2\.1:8048/],
  ['[2001:db8::1]:8050', 'no', 'wrong', /TCP port 8050/],
] as const) {
  test(`connections to ${listen}, reachable: ${reachable}: ${state}`, () => {
    const [incoming] = waysOf(facts({ listen, reachable }))
    assert.is(incoming!.state, state)
    assert.match(incoming!.about, about)
    assert.is(incoming!.fix === null, state !== 'wrong')
  })
}

test('the words of a problem stand where the way is wrong, and only there', () => {
  const problems = [
    { code: 'webhost' as const, problem: 'It is gone.', fix: 'look for it' },
    { code: 'spool' as const, problem: 'It is full.', fix: 'make room' },
  ]
  const all = waysOf(facts({ problems, wanted: { lan: true, direct: 0, webhosts: 1, keys: 0 } }))
  const wrong = all.filter(({ state }) => state === 'wrong')
  assert.equal(wrong, [{ way: 'webhost', state: 'wrong', about: 'It is gone.', fix: 'look for it' }])
})

test.run()
