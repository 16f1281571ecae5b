/**
 * An office at nine o'clock: 16 hosts with 1 Gbit/s between them and a mirror at 50 Mbit/s start real `pacman -Sw` of
 * the same 12 packages (54 MB) at once; nobody has any. They have fetched seven others before, together and unmeasured:
 * 16 daemons that have just started share two cores, and spend them on compiling.
 * `npm run build && node --import tsx bench/crowd.ts [HOSTS] [LINK] [MIRROR]` (16, 1gbit, 50mbit); needs root, ip, tc
 * and pacman. The rival in the same run: one host alone, with curl as XferCommand.
 */
import { runCrowd } from '../test/e2e/crowd.ts'
import { createLab } from '../test/e2e/lab.ts'
import { makePackages } from '../test/e2e/packages.ts'
import { median } from './loopback.ts'

/** As in a real upgrade: many small, few large. 54 MB in all. */
const SIZES = [
  2_000, 12_000, 60_000, 150_000, 400_000, 800_000, 1_600_000, 3_000_000, 5_000_000, 8_000_000, 13_000_000,
  22_000_000,
]
const hosts = Number(process.argv[2] ?? 16)
const link = process.argv[3] ?? '1gbit'
const mirrorLink = process.argv[4] ?? '50mbit'
const packages = makePackages(SIZES.map((size, n) => ({ name: `office${n}`, size })))
const before = makePackages(SIZES.slice(3, 10).map((size, n) => ({ name: `before${n}`, size })))
const sum = packages.reduce((bytes, item) => bytes + item.size, 0)

const lab = createLab()
const { alone, each, aloneBytes, bytes, fromPeers } = await runCrowd(lab, {
  hosts,
  packages,
  before,
  link,
  mirrorLink,
})
const last = Math.max(...each)
const row = (...cells: string[]) => console.log(`| ${cells.join(' | ')} |`)
row(`${hosts} hosts at ${link}, the mirror at ${mirrorLink}, ${(sum / 1e6).toFixed(1)} MB`, '')
row('---', '---')
row('one host alone, by curl', `${alone.toFixed(1)} s`)
row('the crowd: the last, the middle one', `${last.toFixed(1)} s, ${median(each).toFixed(1)} s`)
row('the last over one alone', (last / alone).toFixed(2))
row(
  "copies on the mirror's link (one host alone by curl)",
  `${(bytes / sum).toFixed(2)} (${(aloneBytes / sum).toFixed(2)})`,
)
row(
  'bytes that they had from each other',
  `${((100 * fromPeers) / ((sum + before.reduce((bytes, item) => bytes + item.size, 0)) * hosts)).toFixed(0)} %`,
)
lab.close()
process.exit(0)
