import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseConfig } from '../../src/base/config.ts'
import { silentLog } from '../../src/base/log.ts'
import { createLife } from '../../src/daemon/life.ts'

/** Parts by name; what each does is noted, and those named fail. */
function setUp({ noStart = '', noStop = '' } = {}) {
  const done: string[] = []
  const logged: object[] = []
  const act = (what: string, name: string, fails: boolean) => async () => {
    await Promise.resolve()
    done.push(`${what} ${name}`)
    if (fails) throw new Error(`${name} fails`)
  }
  const parts = ['a', 'b', 'c'].map((name) => ({
    name,
    start: act('start', name, name === noStart),
    stop: act('stop', name, name === noStop),
  }))
  const life = createLife(parts, { ...silentLog, error: (fields) => void logged.push(fields) })
  return { life, done, logged }
}

test('what is new in the configuration is handed to each part that takes something', () => {
  const taken: string[] = []
  const part = (name: string, takes: boolean) => ({
    name,
    start() {},
    stop() {},
    ...(takes ? { reload: ({ file }: { file: string }) => void taken.push(`${name} ${file}`) } : {}),
  })
  createLife([part('a', true), part('b', false), part('c', true)], silentLog).reload(parseConfig('', 'x'))
  assert.equal(taken, ['a x', 'c x'])
})

test('parts start in their order, each when the one before has, and stop in the reverse', async () => {
  const { life, done } = setUp()
  await life.start()
  assert.equal(done.splice(0), ['start a', 'start b', 'start c'])
  await life.stop()
  assert.equal(done, ['stop c', 'stop b', 'stop a'])
})

test('what was stopped is not stopped again', async () => {
  const { life, done } = setUp()
  await life.start()
  await Promise.all([life.stop(), life.stop()])
  assert.is(done.filter((what) => what.startsWith('stop')).length, 3)
})

test('a part that cannot start is stopped with all before it; what comes after is left alone', async () => {
  const { life, done } = setUp({ noStart: 'b' })
  const error = await life.start().catch((error) => error)
  assert.is(error.message, 'b fails')
  assert.equal(done, ['start a', 'start b', 'stop b', 'stop a'])
})

test('one that cannot stop is logged, and keeps no other from stopping', async () => {
  const { life, done, logged } = setUp({ noStop: 'b' })
  await life.start()
  await life.stop()
  assert.equal(done.slice(3), ['stop c', 'stop b', 'stop a'])
  assert.equal(
    logged.map((fields) => (fields as { part: string }).part),
    ['b'],
  )
})

test('a failing start is what is told of, though a stop fails too', async () => {
  const { life } = setUp({ noStart: 'c', noStop: 'a' })
  const error = await life.start().catch((error) => error)
  assert.is(error.message, 'c fails')
})

test.run()
