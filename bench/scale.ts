/**
 * The flood at one size of network, for docs/scale.md: `node --max-old-space-size=8192 --import tsx bench/scale.ts [NODES] [SEED]`
 * (1,000 and 1). A file held by one node in twenty, by three nodes, and by nobody.
 */
import { meanDegree, searchFigures, settled } from '../test/sim/figures.ts'

const nodes = Number(process.argv[2] ?? 1_000)
const seed = Number(process.argv[3] ?? 1)
const number = (value: number) => Math.round(value).toLocaleString('en')
const row = (...cells: string[]) => console.log(`| ${cells.join(' | ')} |`)

const sim = await settled(nodes, seed)
row('nodes', 'held by', 'found', 'messages, median', 'most', 'KB, median', 'first holder, median')
row(...Array(7).fill('---'))
for (const [what, holders, searches] of [
  ['5 %', Math.ceil(nodes / 20), 50],
  ['3 nodes', 3, 50],
  ['nobody', 0, 10],
] as const) {
  const { found, median, most, bytes, firstAt } = await searchFigures(sim, holders / nodes, searches)
  const first = firstAt === undefined ? '' : `${number(firstAt)} ms`
  row(
    number(nodes),
    what,
    `${number(100 * found)} %`,
    number(median),
    number(most),
    (bytes / 1000).toFixed(1),
    first,
  )
}
const { rss } = process.memoryUsage()
console.log(
  `\nmean degree ${meanDegree(sim.graph()).toFixed(2)}; ${number(rss / 1e6)} MB resident, ${number(rss / 1e3 / nodes)} KB a node; ${number(performance.now() / 1000)} s`,
)
