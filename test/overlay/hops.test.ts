import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createTestNetwork, directTo, held, type NodeOptions, type TestNode, wanted } from './network.ts'

/** 10.0.0.1 to 10.0.0.`count`, each connected to the one before. */
async function chain(
  node: (host: string, options?: NodeOptions) => Promise<TestNode>,
  count: number,
  options: (i: number) => NodeOptions = () => ({}),
) {
  const nodes: TestNode[] = []
  for (let i = 1; i <= count; i++) {
    const before = nodes.at(-1)
    nodes.push(
      await node(`10.0.0.${i}`, { minConnections: 0, direct: before ? directTo(before) : [], ...options(i) }),
    )
  }
  return nodes
}

test('a file four hops away is found, and its holder connected to directly', async () => {
  const { node, run } = createTestNetwork()
  const nodes = await chain(node, 5, (i) => (i === 5 ? { holds: ['vim'] } : {}))
  await run(1_000)
  const search = nodes[0]!.find('vim')
  await run(2_600)
  assert.ok(search.over)
  assert.equal(
    search.holders.map(({ id, address, via }) => ({ id, address, via })),
    [{ id: nodes[4]!.overlay.id, address: '10.0.0.5:8048', via: 'answer' }],
  )
  const connecting = nodes[0]!.overlay.connect(search.holders[0]!)
  await run(500)
  assert.is((await connecting).id, nodes[4]!.overlay.id)
})

for (const [ttl, found] of [
  [3, 0],
  [4, 1],
] as const) {
  test(`with ttl ${ttl}, four hops are ${found ? 'just within reach' : 'one too many'}`, async () => {
    const { node, run } = createTestNetwork()
    const nodes = await chain(node, 5, (i) => ({ ttl, holds: i === 5 ? ['vim'] : [] }))
    await run(1_000)
    const search = nodes[0]!.find('vim')
    await run(2_600)
    assert.is(search.holders.length, found)
  })
}

test('the answer comes home around a node that went after it had passed the query on', async () => {
  const { node, run, network } = createTestNetwork({ latency: 20 })
  const nodes = await chain(node, 5, (i) => (i === 5 ? { holds: ['vim'] } : {}))
  // Another, longer way: 1 – 6 – 7 – 4.
  const six = await node('10.0.0.6', { minConnections: 0, direct: directTo(nodes[0]!) })
  await node('10.0.0.7', { minConnections: 0, direct: directTo(six, nodes[3]!) })
  await run(1_000)
  const search = nodes[0]!.find('vim')
  // The full ring is out at 500 ms, passes 3 (40 ms later) and is at 5 after 80 ms.
  await run(570)
  network.kill('10.0.0.3')
  await run(2_000)
  assert.equal(
    search.holders.map(({ id }) => id),
    [nodes[4]!.overlay.id],
  )
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

test('in an office where everybody is everybody’s neighbour each hears a query once a ring', async () => {
  let queries = 0
  const { node, run } = createTestNetwork({ onSend: ({ type }) => void (type === 'file' && queries++) })
  const nodes: TestNode[] = []
  for (let n = 1; n <= 6; n++) nodes.push(await node(`10.0.0.${n}`, { direct: directTo(...nodes) }))
  await run(3_000)
  for (const { overlay } of nodes) assert.is(overlay.neighbours().length, 5)
  nodes[0]!.find('vim')
  await run(3_000)
  assert.is(queries, 4 * 5, 'four rings to five')
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

test('nodes short of neighbours learn of others from those that they have', async () => {
  const { node, run } = createTestNetwork()
  const a = await node('10.0.0.1')
  const others = []
  for (let i = 2; i <= 6; i++) others.push(await node(`10.0.0.${i}`, { direct: directTo(a) }))
  await run(60_000)
  for (const { overlay } of others)
    assert.ok(overlay.neighbours().length >= 3, `${overlay.neighbours().length}`)
})

test('a full node sends newcomers on to its neighbours', async () => {
  const { node, run } = createTestNetwork()
  const a = await node('10.0.0.1', { maxConnections: 2, minConnections: 1 })
  const others = []
  for (let i = 2; i <= 5; i++) {
    const one = await node(`10.0.0.${i}`, { minConnections: 1 })
    one.overlay.learn([a.address], 'stranger')
    others.push(one)
  }
  await run(120_000)
  assert.is(a.overlay.neighbours().length, 2)
  for (const { overlay } of others) assert.ok(overlay.neighbours().length >= 1)
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
