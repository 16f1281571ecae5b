import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createProblems } from '../../../src/base/problems.ts'
import { createTestNetwork, directTo } from '../network.ts'

test('a direct server that is down is dialled again, with growing pauses, until it is there', async () => {
  const { node, run } = createTestNetwork()
  const b = await node('10.0.0.2', { direct: [{ host: '10.0.0.1', port: 8048 }] })
  await run(20_000)
  assert.is(b.overlay.neighbours().length, 0)
  await node('10.0.0.1')
  await run(60_000)
  assert.is(b.overlay.neighbours().length, 1)
})

test('a direct server that went and came back is a neighbour again', async () => {
  const { node, run, network } = createTestNetwork()
  const a = await node('10.0.0.1')
  const b = await node('10.0.0.2', { direct: directTo(a) })
  await run(500)
  network.kill('10.0.0.1')
  await run(500)
  assert.is(b.overlay.neighbours().length, 0)
  const again = await node('10.0.0.1')
  await run(60_000)
  assert.equal(
    b.overlay.neighbours().map(({ id }) => id),
    [again.overlay.id],
  )
})

test('a direct server is a problem from the first failure until it is connected', async () => {
  const { node, run, clock } = createTestNetwork()
  const problems = createProblems(clock)
  await node('10.0.0.2', { direct: [{ host: '10.0.0.1', port: 8048 }], problems })
  await run(20_000)
  const all = problems.all()
  assert.equal(
    all.map(({ code }) => code),
    ['direct'],
  )
  assert.match(all[0]!.problem, /^The \[direct\] server 10\.0\.0\.1:8048 can't be reached: .*[^.]\.$/)
  assert.match(all[0]!.fix, 'TCP port 8048')
  await node('10.0.0.1')
  await run(60_000)
  assert.equal(problems.all(), [])
})

test('[direct] set anew: the new one is dialled, the one left out is a neighbour as any other', async () => {
  const { node, run, clock } = createTestNetwork()
  const problems = createProblems(clock)
  const a = await node('10.0.0.1')
  const c = await node('10.0.0.3')
  const gone = { host: '10.0.0.9', port: 8048 }
  const b = await node('10.0.0.2', { direct: [...directTo(a), gone], problems, minConnections: 0 })
  await run(5_000)
  assert.is(problems.all().length, 1)
  const session = { id: a.overlay.id, remote: '198.51.100.1:8048' } as const
  assert.ok(b.overlay.isCompanion(session))
  b.overlay.setDirect(directTo(c))
  await run(5_000)
  assert.equal(problems.all(), [])
  assert.ok(b.overlay.neighbours().some(({ id }) => id === c.overlay.id))
  assert.ok(b.overlay.neighbours().some(({ id }) => id === a.overlay.id))
  assert.not.ok(b.overlay.isCompanion(session), 'its word counts no more')
})

test('a node that names itself is alone', async () => {
  const { node, run } = createTestNetwork()
  const a = await node('10.0.0.1', { direct: [{ host: '10.0.0.1', port: 8048 }] })
  await run(10_000)
  assert.equal(a.overlay.neighbours(), [])
})

test.run()
