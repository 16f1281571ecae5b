import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createSparing } from '../../src/net/sparing.ts'
import { createClock } from '../clock.ts'

function start(answers: { Metered?: string; OnBattery?: string }) {
  const clock = createClock()
  let asked = 0
  const sparing = createSparing({
    clock,
    async ask(_service, _path, property) {
      asked++
      return answers[property as keyof typeof answers]
    },
  })
  return { clock, sparing, answers, asked: () => asked }
}
const settle = () => new Promise((resolve) => setImmediate(resolve))

for (const [answers, why] of [
  [{}, undefined],
  [{ Metered: 'u 0' }, undefined],
  [{ Metered: 'u 1' }, 'NetworkManager calls this line metered'],
  [{ Metered: 'u 2', OnBattery: 'b false' }, undefined],
  [{ Metered: 'u 3' }, 'NetworkManager calls this line metered'],
  [{ Metered: 'u 4', OnBattery: 'b true' }, 'this machine runs on battery'],
  [{ Metered: 'nonsense', OnBattery: 'nonsense' }, undefined],
] as const) {
  test(`${JSON.stringify(answers)}: ${why ?? 'nothing speaks against it'}`, async () => {
    assert.is(await start({ ...answers }).sparing.why(), why)
  })
}

test('asked a thousand times a minute, the bus is asked once; what changed is seen after that', async () => {
  const { clock, sparing, answers, asked } = start({ Metered: 'u 1' })
  assert.is(sparing.now, false)
  await settle()
  for (let ask = 0; ask < 1_000; ask++) assert.is(sparing.now, true)
  assert.is(asked(), 2)
  answers.Metered = 'u 2'
  clock.advance(59_999)
  assert.is(sparing.now, true)
  clock.advance(1)
  void sparing.now
  await settle()
  assert.is(sparing.now, false)
  assert.is(asked(), 4)
})

test('where there is no such service it is asked for each ten minutes', async () => {
  const { clock, sparing, asked } = start({})
  await sparing.why()
  clock.advance(10 * 60_000 - 1)
  assert.is(sparing.now, false)
  assert.is(asked(), 2)
  clock.advance(1)
  assert.is(sparing.now, false)
  assert.is(asked(), 4)
})

test.run()
