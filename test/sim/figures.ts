import {
  createSimulation,
  meanDegree,
  pathOnlyMessages,
  reachableFrom,
  type SimNode,
  type SimSearch,
  type Simulation,
} from './simulator.ts'

/** Longest that a search takes, in milliseconds, and a little more. */
const SEARCH_TIME = 3_000
/** Time for a network to settle, in milliseconds. */
const SETTLING = 60_000
/** Searches under way at the same time: few enough to stay within the rates of every neighbour. */
const AT_ONCE = 10

export interface SearchFigures {
  searches: number
  /** Share of the searches that found a holder. */
  found: number
  /** Messages of all nodes for one search, all its rings together. */
  median: number
  most: number
  /** Of those of the search in the middle. */
  bytes: number
  /** Milliseconds to the first holder, in the middle. */
  firstAt: number | undefined
}

export function median(values: number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[values.length >> 1]
}

export async function settled(nodes: number, seed: number): Promise<Simulation> {
  const sim = await createSimulation({ nodes, seed })
  await sim.run(SETTLING)
  return sim
}

/** Searches by random nodes for files that a share of all nodes holds, each a file of its own. */
export async function searchFigures(
  sim: Simulation,
  share: number,
  count: number,
  { holders, askers }: { holders?: SimNode[]; askers?: SimNode[] } = {},
): Promise<SearchFigures> {
  const results: SimSearch[] = []
  while (results.length < count) {
    for (let i = 0; i < AT_ONCE && results.length < count; i++) {
      const file = sim.place(share, holders)
      results.push(sim.search(sim.someAsker(file, askers), file))
    }
    await sim.run(SEARCH_TIME)
  }
  return {
    searches: count,
    found: results.filter((result) => result.holders.size > 0).length / count,
    median: median(results.map(({ messages }) => messages))!,
    bytes: median(results.map(({ bytes }) => bytes))!,
    most: Math.max(...results.map(({ messages }) => messages)),
    firstAt: median(results.flatMap(({ firstAt }) => firstAt ?? [])),
  }
}

/** What one full ring would cost where only the list on the message stops a query: the median of some askers. */
export function pathOnlyFigure(sim: Simulation, ttl: number, askers: number): number {
  const graph = sim.graph()
  const ids = [...graph.keys()].slice(0, askers)
  return median(ids.map((id) => pathOnlyMessages(graph, id, ttl)))!
}

export interface ChurnFigures {
  searches: number
  /** Answers of nodes that stayed, and that were joined to the asker by others that stayed. */
  hadWayHome: number
  arrived: number
}

/** One node in ten leaves, each at a moment of its own, in the second after the search's start. */
export async function churnFigures(sim: Simulation, share: number, searches: number): Promise<ChurnFigures> {
  const figures = { searches, hadWayHome: 0, arrived: 0 }
  for (let i = 0; i < searches; i++) {
    const file = sim.place(share)
    const asker = sim.someAsker(file)
    const leaving = sim.nodes.filter((node) => node !== asker && sim.random.below(10) === 0)
    const search = sim.search(asker, file)
    for (const node of leaving) sim.clock.after(sim.random.below(1_000), () => sim.kill(node))
    await sim.run(SEARCH_TIME)
    const stayed = reachableFrom(sim.graph(), asker.overlay.id)
    for (const id of search.answered) {
      if (!stayed.has(id)) continue
      figures.hadWayHome++
      if (search.holders.has(id)) figures.arrived++
    }
    for (const node of leaving) await sim.revive(node)
    await sim.run(SETTLING)
  }
  return figures
}

/** Both halves of the hosts. */
function halves(sim: Simulation): [SimNode[], SimNode[]] {
  return [sim.nodes.filter((_, i) => i % 2 === 0), sim.nodes.filter((_, i) => i % 2 === 1)]
}

/**
 * The network is torn in two for ten minutes. Share of searches across the tear that find a file held by `share`
 * of the other half, while it is torn and one minute after.
 */
export async function tearFigures(sim: Simulation, share: number, searches: number) {
  const [one, two] = halves(sim)
  const across = async () => (await searchFigures(sim, share, searches, { askers: one, holders: two })).found
  sim.network.partition(...[one, two].map((half) => half.map(({ host }) => host)))
  await sim.run(600_000)
  const torn = await across()
  sim.network.heal()
  await sim.run(60_000)
  return { torn, healed: await across() }
}

/** Two networks that never met, until one node of one learns of one of the other; a minute later. */
export async function bridgeFigures(nodes: number, seed: number, share: number, searches: number) {
  const sim = await createSimulation({ nodes, seed, halves: true })
  await sim.run(SETTLING)
  const [one, two] = halves(sim)
  const across = async () => (await searchFigures(sim, share, searches, { askers: one, holders: two })).found
  const apart = await across()
  const [from, to] = [one, two].map((half) => half.find(({ overlay }) => overlay.neighbours().length < 8)!)
  from!.overlay.learn([to!.overlay.listening!], 'lan')
  await sim.run(60_000)
  const ids = new Set(two.map(({ overlay }) => overlay.id))
  const bridges = one.flatMap(({ overlay }) => overlay.neighbours()).filter(({ id }) => ids.has(id)).length
  return { apart, bridged: await across(), bridges }
}

export { meanDegree }
