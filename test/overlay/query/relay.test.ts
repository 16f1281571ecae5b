import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { chain, createTestNetwork, directTo, type TestNode } from '../network.ts'

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

test('of a large office all are asked first, and then with each ring eight others', async () => {
  const asked: string[][] = []
  let at = -1
  const { node, run } = createTestNetwork({
    onSend(message, from, to) {
      if (message.type !== 'file') return
      assert.is(from, '10.0.0.12', 'nobody passes it on')
      if (message.ttl !== at) asked.push([])
      at = message.ttl
      asked.at(-1)!.push(to)
    },
  })
  const nodes: TestNode[] = []
  for (let n = 1; n <= 12; n++) nodes.push(await node(`10.0.0.${n}`, { direct: directTo(...nodes) }))
  await run(5_000)
  nodes.at(-1)!.find('vim')
  await run(3_000)
  assert.equal(
    asked.map(({ length }) => length),
    [11, 8, 8, 8],
  )
  assert.is(new Set(asked.slice(1).flat()).size, 11)
})

test('a companion that asks hears of a download once, not with each ring', async () => {
  const answers: boolean[] = []
  const { node, run } = createTestNetwork({
    onSend: (message) => void (message.type === 'fileAck' && answers.push(message.files[0]!.whole)),
  })
  const asker = await node('10.0.0.1')
  await node('10.0.0.2', { direct: directTo(asker), downloads: ['vim'] })
  await run(3_000)
  asker.find('vim')
  await run(3_000)
  assert.equal(answers, [false])
})

test.run()
