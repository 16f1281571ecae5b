import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createScout } from '../../src/fetch/scout.ts'
import type { Holder } from '../../src/overlay/query/holders.ts'
import type { WantedFile } from '../../src/wire/messages.ts'
import { createClock } from '../clock.ts'

const MIB = 1024 * 1024
const settle = () => new Promise((resolve) => setImmediate(resolve))
const file = (size: number): WantedFile => ({ sha256: 'a', size, name: 'x' })

/** `answersAfter`: when a holder is found, in milliseconds; 0 is what is remembered; undefined: never. */
function setUp({ hasNeighbours = true, hasCompanions = false } = {}) {
  const clock = createClock()
  const state = { answersAfter: undefined as number | undefined, searches: 0, aborted: 0 }
  const scout = createScout({
    clock,
    hasCompanions: () => hasCompanions,
    network: {
      hasNeighbours: () => hasNeighbours,
      find(_files, { onHolder, signal }) {
        state.searches++
        const { answersAfter } = state
        const found = () => !signal.aborted && onHolder({} as Holder)
        if (answersAfter === 0) found()
        else if (answersAfter !== undefined) clock.after(answersAfter, found)
        return new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            state.aborted++
            resolve()
          })
        })
      },
    },
  })
  /** The answer, and how long it took. */
  async function ask(size: number) {
    const begun = clock.now()
    let over = false
    const answer = scout.isWorthIt(file(size)).finally(() => {
      over = true
    })
    for (await settle(); !over; await settle()) clock.step()
    return { worth: await answer, ms: clock.now() - begun }
  }
  return { clock, state, ask }
}

test('without neighbours nobody is asked', async () => {
  const { ask, state } = setUp({ hasNeighbours: false })
  assert.equal(await ask(MIB), { worth: false, ms: 0 })
  assert.is(state.searches, 0)
})

test('who is remembered is known at once', async () => {
  const { ask, state } = setUp()
  state.answersAfter = 0
  assert.equal(await ask(30_000), { worth: true, ms: 0 })
})

test('a search takes a twentieth of what a slow mirror would, within bounds', async () => {
  for (const [size, ms] of [
    [1_000, 30],
    [4_000_000, 200],
    [1_000_000_000, 400],
  ] as const) {
    const { ask, state } = setUp()
    assert.equal(await ask(size), { worth: false, ms })
    assert.is(state.aborted, 1)
    const late = setUp()
    late.state.answersAfter = ms - 1
    assert.equal(await late.ask(size), { worth: true, ms: ms - 1 })
  }
})

test('in vain again and again: each waits half as long, then only each eighth is searched for', async () => {
  const { ask, state } = setUp()
  const waits: number[] = []
  for (let n = 0; n < 300; n++) waits.push((await ask(30_000)).ms)
  assert.equal(waits.slice(0, 5), [30, 15, 7.5, 3.75, 1.875])
  assert.equal(waits.slice(5, 9), [0, 0, 0, 15])
  assert.ok(waits.reduce((sum, ms) => sum + ms) < 700)
  state.answersAfter = 0
  assert.ok((await ask(30_000)).worth, 'what is remembered is used all the same')
  state.answersAfter = undefined
  assert.is((await ask(30_000)).ms, 30)
})

test('a minute later it is another transaction', async () => {
  const { ask, clock } = setUp()
  for (let n = 0; n < 10; n++) await ask(30_000)
  clock.advance(60_000)
  assert.is((await ask(30_000)).ms, 30)
})

test('with companions large files are fetched here though nobody has them', async () => {
  const { ask } = setUp({ hasCompanions: true })
  assert.equal(await ask(MIB), { worth: true, ms: 0 })
  assert.is((await ask(MIB - 1)).worth, false)
})

test.run()
