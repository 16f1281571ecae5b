import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createPresence } from '../../../src/fetch/crowd/presence.ts'
import { createClock } from '../../clock.ts'

const sha = (n: number) => n.toString(16).padStart(64, '0')
const heldOf = (n: number, whole = false) => ({ sha256: sha(n), size: 1_000, root: sha(0), whole })
const deaf = { onAnnounced() {}, onWithdrawn() {}, onHave() {} }

function setUp(companions: number) {
  const clock = createClock()
  /** Each announcement: the files begun, `+` those had whole, `-` those given up. */
  const said: string[] = []
  const presence = createPresence({
    clock,
    announce(added, removed) {
      const words = added.map(({ sha256, whole }) => `${whole ? '+' : ''}${Number(`0x${sha256}`)}`)
      said.push([...words, ...removed.map((sha256) => `-${Number(`0x${sha256}`)}`)].join(' '))
      return companions
    },
  })
  const begin = (n: number) => presence.join(() => heldOf(n), deaf)
  return { clock, said, begin }
}

test('what begins is told at once, what follows within 100 ms as one', () => {
  const { clock, said, begin } = setUp(3)
  begin(2)
  assert.equal(said, ['2'])
  for (const n of [3, 4]) begin(n)
  clock.advance(99)
  assert.is(said.length, 1)
  clock.advance(1)
  assert.equal(said.slice(1), ['3 4'])
})

test('what is over waits longer, the more companions there are, and goes along with what begins', () => {
  for (const [companions, ms] of [
    [3, 250],
    [16, 1_000],
    [100, 2_000],
  ] as const) {
    const { clock, said, begin } = setUp(companions)
    const places = [begin(1), begin(2)]
    clock.advance(100)
    said.shift()
    places[0]!.leave(heldOf(1, true))
    clock.advance(ms - 1)
    assert.equal(said.slice(1), [])
    clock.advance(1)
    assert.equal(said.slice(1), ['+1'])
    places[1]!.leave(undefined)
    begin(3)
    clock.advance(100)
    assert.equal(said.slice(2), ['3 -2'])
  }
})

test('what goes on is said again each minute, and no more when it is over', () => {
  const { clock, said, begin } = setUp(1)
  const place = begin(1)
  clock.advance(60_000)
  assert.equal(said, ['1', '1'])
  place.leave(undefined)
  clock.advance(120_000)
  assert.equal(said.slice(2), ['-1'])
  assert.not.ok(clock.step())
})

test.run()
