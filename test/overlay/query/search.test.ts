import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { chain, createTestNetwork, held, wanted } from '../network.ts'

test('a search without neighbours is over at once', async () => {
  const { node, run } = createTestNetwork()
  const a = await node('10.0.0.1')
  const search = a.find('vim')
  await run(5)
  assert.ok(search.over)
})

test('a search is over early when its signal aborts, and late answers are dropped', async () => {
  const { node, run } = createTestNetwork()
  const nodes = await chain(node, 3, (i) => (i === 3 ? { holds: ['vim'] } : {}))
  await run(1_000)
  const abort = new AbortController()
  let told = 0
  let over = false
  const found = nodes[0]!.overlay.find([wanted('vim')], { signal: abort.signal, onHolder: () => void told++ })
  void found.then(() => {
    over = true
  })
  await run(120)
  abort.abort()
  await run(5)
  assert.ok(over)
  await run(3_000)
  assert.is(told, 0)
})

test('that nobody has it is believed for 30 s, or until a neighbour announces it', async () => {
  let queries = 0
  const counting = { onSend: ({ type }: { type: string }) => void (type === 'file' && queries++) }
  const { node, run } = createTestNetwork(counting)
  const [a, b] = await chain(node, 2)
  await run(1_000)
  a!.find('vim')
  await run(3_000)
  const first = queries
  assert.ok(first > 0)
  const again = a!.find('vim')
  await run(5)
  assert.ok(again.over)
  assert.is(queries, first)
  b!.overlay.announce([held('vim')], [])
  await run(100)
  const announced = a!.find('vim')
  await run(5)
  assert.is(announced.holders.length, 1)
  b!.overlay.announce([], [wanted('vim').sha256])
  await run(30_000)
  a!.find('vim')
  await run(100)
  assert.ok(queries > first)
})

test('two searches for one file at once ask once, and both are told', async () => {
  let queries = 0
  const { node, run } = createTestNetwork({ onSend: ({ type }) => void (type === 'file' && queries++) })
  const [a, , c] = await chain(node, 3, (i) => (i === 3 ? { holds: ['vim'] } : {}))
  await run(1_000)
  const searches = [a!.find('vim'), a!.find('vim')]
  await run(3_000)
  assert.is(queries, 3, 'one hop, then two')
  for (const { holders, over } of searches) {
    assert.equal(
      holders.map(({ id }) => id),
      [c!.overlay.id],
    )
    assert.ok(over)
  }
})

test('a search that waited for another’s answers asks itself when that one is called off', async () => {
  const { node, run } = createTestNetwork()
  const [a, b] = await chain(node, 2)
  await run(1_000)
  const calledOff = new AbortController()
  const first = a!.overlay.find([wanted('vim')], { onHolder() {}, signal: calledOff.signal })
  const search = a!.find('vim')
  await run(1_000)
  calledOff.abort()
  await first
  // All that the first asked has been heard, and nobody answered.
  b!.holds.set(wanted('vim').sha256, held('vim'))
  await run(100)
  assert.is(search.holders.length, 1)
  await run(3_000)
  assert.ok(search.over)
})

test('a transaction of 300 packages is one query a ring, and one of 501 files two', async () => {
  let queries = 0
  const { node, run } = createTestNetwork({ onSend: ({ type }) => void (type === 'file' && queries++) })
  const [a] = await chain(node, 2)
  await run(1_000)
  const ask = (count: number, prefix: string) =>
    a!.overlay.find(
      Array.from({ length: count }, (_, i) => wanted(`${prefix}${i}`)),
      { onHolder() {} },
    )
  void ask(300, 'a')
  await run(50)
  assert.is(queries, 1)
  await run(3_000)
  assert.is(queries, 4, 'rings of 1, 2, 4 and 7')
  void ask(501, 'b')
  await run(50)
  assert.is(queries, 6)
})

test('the search stops widening for what it has found, and goes on for the rest', async () => {
  const sent: number[] = []
  const { node, run } = createTestNetwork({
    onSend: (message) =>
      void (message.type === 'file' && message.path.length === 1 && sent.push(message.files.length)),
  })
  const nodes = await chain(node, 3, (i) => ({ holds: i === 2 ? ['near'] : i === 3 ? ['far'] : [] }))
  await run(1_000)
  const names: string[] = []
  void nodes[0]!.overlay.find([wanted('near'), wanted('far')], {
    onHolder: ({ id }) => void names.push(id),
  })
  await run(3_000)
  assert.equal(sent, [2, 1])
  assert.equal(names, [nodes[1]!.overlay.id, nodes[2]!.overlay.id])
})

test('a search whose signal has aborted already asks nobody', async () => {
  let queries = 0
  const { node, run } = createTestNetwork({ onSend: ({ type }) => void (type === 'file' && queries++) })
  const [a] = await chain(node, 2)
  await run(1_000)
  void a!.overlay.find([wanted('vim')], { signal: AbortSignal.abort(), onHolder() {} })
  await run(1_000)
  assert.is(queries, 0)
})

test.run()
