/**
 * `npm run moods [-- --seed N --from ROW --to ROW]`: the whole table, a line for each row, and which rows are worse than
 * stock pacman or curl.
 *
 * Rows that only wait are played beside the others, in labs of their own; what seems worse there is played again alone.
 */
import { parseArgs } from 'node:util'
import { createLab } from './lab.ts'
import { allRows, type MoodRow, nameOf } from './moods.ts'
import { createMoodsLab, type MoodsLab } from './moods-lab.ts'
import { type Verdict, verdictOf } from './moods-verdict.ts'

const { values } = parseArgs({
  options: { seed: { type: 'string' }, from: { type: 'string' }, to: { type: 'string' } },
})
const rows = allRows(Number(values.seed ?? 1))
const from = Number(values.from ?? 0)
const asked = [...rows.entries()].slice(from, Number(values.to ?? rows.length))

/** Labs for rows that spend their time waiting. */
const WAITING_LABS = 3
const waits = ({ mood }: MoodRow) => /stalls|slow|dead|dropped|100 ms/.test(mood)

const count = { worse: 0, same: 0, better: 0 }
function tell(n: number, row: MoodRow, { verdict, why, figures }: Verdict) {
  count[verdict]++
  console.log(`${n}\t${verdict}\t${nameOf(row)}\t${figures}${why ? `\t${why}` : ''}`)
}

const again: [number, MoodRow][] = []
async function playAll(queue: [number, MoodRow][], isAlone: boolean): Promise<MoodsLab> {
  const moods = await createMoodsLab(createLab())
  for (let next = queue.shift(); next; next = queue.shift()) {
    const [n, row] = next
    const verdict = await verdictOf(moods, row, { tries: isAlone ? undefined : 1 })
    if (verdict.verdict === 'worse' && !isAlone) again.push(next)
    else tell(n, row, verdict)
  }
  return moods
}

const waiting = asked.filter(([, row]) => waits(row))
const quick = asked.filter(([, row]) => !waits(row))
await Promise.all([
  playAll(quick, false),
  ...Array.from({ length: WAITING_LABS }, () => playAll(waiting, false)),
])
if (again.length > 0) await playAll(again, true)
console.log(
  `${count.worse} rows worse than stock pacman or curl, ${count.same} the same, ${count.better} better`,
)
process.exit(count.worse > 0 ? 1 : 0)
