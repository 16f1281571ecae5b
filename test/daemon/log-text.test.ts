import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { textOf } from '../../src/daemon/log-text.ts'

const text = (line: object) => textOf(`${JSON.stringify({ level: 30, time: 1, name: 'pacsrv', ...line })}\n`)

for (const [level, priority] of [
  [10, 7],
  [20, 7],
  [30, 6],
  [40, 4],
  [50, 3],
  [60, 2],
] as const) {
  test(`pino's level ${level} is syslog's priority ${priority}`, () => {
    assert.is(text({ level, msg: 'hello' }), `<${priority}>hello\n`)
  })
}

test('component, sentence and fields, quoted where they have to be', () => {
  assert.is(
    text({ component: 'lan', msg: 'a node', id: 'ab', bytes: 7, reason: 'it "lied" twice', list: [1] }),
    '<6>lan: a node id=ab bytes=7 reason="it \\"lied\\" twice" list=[1]\n',
  )
})

test('what the sentence has is not said again', () => {
  const msg = 'x-1-1-any.pkg.tar.zst: 2 B from 1 peer'
  assert.is(text({ component: 'downloads', file: 'x-1-1-any.pkg.tar.zst', msg }), `<6>downloads: ${msg}\n`)
})

test('of an error its message, and from level error on its stack, each line with the priority', () => {
  const err = { type: 'Error', message: 'no room', stack: 'Error: no room\n    at a\n    at b' }
  assert.is(text({ level: 40, msg: 'oh', err }), '<4>oh error="no room"\n')
  assert.is(text({ level: 50, msg: 'oh', err }), '<3>oh error="no room"\n<3>    at a\n<3>    at b\n')
})

test('nothing that others send begins a line, draws or fills the journal', () => {
  const line = text({ msg: 'a\n<0>b', name: 'x', agent: 'c\n<0>d\u001b[2J', long: 'e'.repeat(100_000) })
  assert.is(line.split('\n').length, 2)
  assert.not.match(line, '\u001b')
  assert.ok(line.length < 5_000)
})

test.run()
