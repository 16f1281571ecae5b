import { setImmediate as nextTurn } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createWriteBehind } from '../../../src/fetch/file/write-behind.ts'

const MIB = 1024 * 1024

function setUp() {
  const written: string[] = []
  const released: string[] = []
  const state = { fault: undefined as Error | undefined, hold: undefined as Promise<void> | undefined }
  let told = 0
  const behind = createWriteBehind(
    async (chunk, parts) => {
      await state.hold
      if (state.fault) throw state.fault
      written.push(`${chunk}: ${parts.map((part) => part.length).join(' ')}`)
    },
    () => told++,
  )
  const add = (chunk: number, bytes = 10, name = `${chunk}`) =>
    behind.add(chunk, { bytes: new Uint8Array(bytes), release: () => void released.push(name) })
  return { behind, add, written, released, state, told: () => told }
}

test('chunks that adjoin go by one write, whatever their order, and are released then', async () => {
  const { behind, add, written, released, told } = setUp()
  for (const chunk of [4, 2, 3, 9]) add(chunk)
  assert.ok(behind.has(4))
  assert.equal([written, released], [[], []])
  await behind.flush()
  assert.equal(written, ['2: 10 10 10', '9: 10'])
  assert.equal(released.sort(), ['2', '3', '4', '9'])
  assert.not(behind.has(4))
  assert.is(told(), 1)
})

test('a mebibyte is written without being asked for; over four it is full until that is done', async () => {
  const { behind, add, written, state } = setUp()
  let goOn = () => {}
  state.hold = new Promise((resolve) => {
    goOn = resolve
  })
  add(0, MIB - 1)
  await nextTurn()
  assert.ok(behind.has(0))
  add(1, 1)
  add(2, 3 * MIB - 1)
  assert.not(behind.isFull)
  add(3, 1)
  assert.ok(behind.isFull)
  goOn()
  await behind.flush()
  assert.not(behind.isFull)
  assert.is(written.length, 1)
})

test('one that comes again before it is written takes the place of the first', async () => {
  const { behind, add, written, released } = setUp()
  add(0, 10, 'first')
  add(0, 20, 'second')
  assert.equal(released, ['first'])
  await behind.flush()
  assert.equal(written, ['0: 20'])
})

test('a failure is told to each who asks from then on, nothing more is written, and all is released', async () => {
  const { behind, add, written, released, state } = setUp()
  state.fault = new Error('full')
  add(0)
  for (let time = 0; time < 2; time++) {
    try {
      await behind.flush()
      assert.unreachable()
    } catch (error) {
      assert.is((error as Error).message, 'full')
    }
  }
  assert.ok(behind.isFull)
  state.fault = undefined
  add(1)
  await behind.flush().catch(() => {})
  assert.equal(written, [])
  assert.equal(released, ['0', '1'])
})

test.run()
