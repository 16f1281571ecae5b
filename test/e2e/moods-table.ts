/**
 * `npm run moods [-- --seed N --from ROW --to ROW]`: the whole table, a line for each row, and which rows are worse than
 * stock pacman or curl.
 */
import { parseArgs } from 'node:util'
import { createLab } from './lab.ts'
import { allRows, nameOf } from './moods.ts'
import { createMoodsLab } from './moods-lab.ts'
import { verdictOf } from './moods-verdict.ts'

const { values } = parseArgs({
  options: { seed: { type: 'string' }, from: { type: 'string' }, to: { type: 'string' } },
})
const rows = allRows(Number(values.seed ?? 1))
const from = Number(values.from ?? 0)
const lab = createLab()
const moods = await createMoodsLab(lab)
const count = { worse: 0, same: 0, better: 0 }
for (const [n, row] of rows.entries()) {
  if (n < from || n >= Number(values.to ?? rows.length)) continue
  const { verdict, why, figures } = await verdictOf(moods, row)
  count[verdict]++
  console.log(`${n}\t${verdict}\t${nameOf(row)}\t${figures}${why ? `\t${why}` : ''}`)
}
console.log(
  `${count.worse} rows worse than stock pacman or curl, ${count.same} the same, ${count.better} better`,
)
lab.close()
process.exit(count.worse > 0 ? 1 : 0)
