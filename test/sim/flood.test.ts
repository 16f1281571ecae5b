import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { churnFigures, meanDegree, pathOnlyFigure, searchFigures, settled, tearFigures } from './figures.ts'
import { reachableFrom } from './simulator.ts'

// The figures of docs/simulator.md on a small scale; `bench/flood.ts` has them in full.
const NODES = 300

const sim = await settled(NODES, 7)
const bound = NODES * (meanDegree(sim.graph()) - 1)

test('every node has 3 to 8 neighbours, and all are joined', () => {
  const graph = sim.graph()
  const degrees = [...graph.values()].map((neighbours) => neighbours.length)
  assert.ok(Math.min(...degrees) >= 3)
  assert.ok(Math.max(...degrees) <= 8)
  assert.is(reachableFrom(graph, sim.nodes[0]!.overlay.id).size, NODES)
})

test('what 0.5 % hold is found by at least 99 % of the askers', async () => {
  const { found } = await searchFigures(sim, 0.005, 100)
  assert.ok(found >= 0.99, `${found}`)
})

test('what 5 % hold costs at most 60 messages in the middle', async () => {
  const { found, median } = await searchFigures(sim, 0.05, 100)
  assert.is(found, 1)
  assert.ok(median <= 60, `${median}`)
})

test('a search in vain costs far less than the list on the message alone would, and ends', async () => {
  const { found, most } = await searchFigures(sim, 0, 10)
  assert.is(found, 0)
  // All four rings; the network is so small that the last covers it three times over.
  assert.ok(most <= 2 * bound, `${most} of ${bound}`)
  assert.ok(pathOnlyFigure(sim, 7, 5) > 10 * most)
})

test('answers come home while one node in ten leaves', async () => {
  const { hadWayHome, arrived } = await churnFigures(sim, 0.05, 10)
  assert.ok(hadWayHome >= 20, `${hadWayHome}`)
  assert.ok(arrived >= 0.95 * hadWayHome, `${arrived} of ${hadWayHome}`)
})

test('a network torn in two is one again within a minute', async () => {
  const { torn, healed } = await tearFigures(sim, 0.01, 20)
  assert.is(torn, 0)
  assert.is(healed, 1)
})

test.run()
