/**
 * The network's figures in the simulator: `node --max-old-space-size=8192 --import tsx bench/flood.ts [NODES] [SEED]`
 * (10,000 and 1). Prints the table of docs/simulator.md. Takes some minutes and 4 GB.
 */
import {
  bridgeFigures,
  churnFigures,
  meanDegree,
  pathOnlyFigure,
  type SearchFigures,
  searchFigures,
  settled,
  tearFigures,
} from '../test/sim/figures.ts'

const nodes = Number(process.argv[2] ?? 10_000)
const seed = Number(process.argv[3] ?? 1)
const TTL = 7

const number = (value: number) => Math.round(value).toLocaleString('en')
const percent = (share: number) => `${(100 * share).toFixed(1)} %`
const row = (...cells: string[]) => console.log(`| ${cells.join(' | ')} |`)

function searchRow(what: string, bound: number, { searches, found, median, most, firstAt }: SearchFigures) {
  const first = firstAt === undefined ? '' : `${number(firstAt)} ms`
  row(what, `${searches}`, percent(found), number(median), number(most), number(bound), first)
}

const sim = await settled(nodes, seed)
const degree = meanDegree(sim.graph())
const degrees = [...sim.graph().values()].map((neighbours) => neighbours.length)
const bound = nodes * (degree - 1)

console.log(
  `${number(nodes)} nodes, seed ${seed}, TTL ${TTL}, degree ${Math.min(...degrees)} to ${Math.max(...degrees)}, mean ${degree.toFixed(2)}\n`,
)
row(
  'held by',
  'searches',
  'found',
  'messages, median',
  'messages, most',
  'N × (mean degree − 1)',
  'first holder, median',
)
row(...Array(7).fill('---'))
searchRow('5 %', bound, await searchFigures(sim, 0.05, 200))
searchRow('0.5 %', bound, await searchFigures(sim, 0.005, 200))
searchRow('nobody', bound, await searchFigures(sim, 0, 10))
console.log(
  `\nOne full ring stopped by the list alone: ${number(pathOnlyFigure(sim, TTL, 20))} messages (median of 20 askers).\n`,
)

row('what breaks', 'figure')
row('---', '---')
const churn = await churnFigures(sim, 0.005, 10)
const share = percent(churn.arrived / churn.hadWayHome)
row(
  'one node in ten leaves during each of 10 searches',
  `${churn.arrived} of ${churn.hadWayHome} answers that had a way home arrived: ${share}`,
)
const tear = await tearFigures(sim, 0.005, 50)
row(
  'torn in halves for ten minutes',
  `found across: ${percent(tear.torn)}; one minute after the tear: ${percent(tear.healed)}`,
)
for (const count of [100, 1_000]) {
  const bridge = await bridgeFigures(count, seed, 0.02, 50)
  row(
    `two networks of ${count / 2} that never met, one bridge`,
    `found across: ${percent(bridge.apart)}; a minute later: ${percent(bridge.bridged)}`,
  )
}
console.log(`\n${number(process.memoryUsage().rss / 1e6)} MB resident, ${number(performance.now() / 1000)} s`)
