/**
 * One host, one peer, a link of 1 Gbit/s, 1 GiB:
 * `npm run build && node --import tsx bench/gigabit.ts [ROUNDS] [MIB] [LINK]` (3, 1024, 1gbit); needs root, ip, tc,
 * nginx (Debian: nginx-light). The rival over the same link: curl from nginx, unverified.
 */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { waitFor } from '../test/e2e/commands.ts'
import { createLab } from '../test/e2e/lab.ts'
import { makePackage } from '../test/e2e/packages.ts'
import { createPair } from '../test/e2e/pair.ts'
import { median } from './loopback.ts'
import { nginxWords, touchMemory } from './nginx.ts'

const rounds = Number(process.argv[2] ?? 3)
const size = Number(process.argv[3] ?? 1024) * 1024 * 1024
const link = process.argv[4] ?? '1gbit'
const item = makePackage({ name: 'big', size })
const lab = createLab()
const { mirror, holder, asker } = await createPair(lab, [item], { holderRate: link })
await asker.pacman.run(['-Sy'])
// Its link has no bound, and it would help.
await mirror.behave([{ path: '.pkg.', status: 503 }])
holder.host.spawn(nginxWords(join(lab.folder, 'nginx'), { listen: '8080', root: holder.pacman.cache }), {
  stdio: 'ignore',
})
const url = `http://${holder.host.address}:8080/${item.file}`
await waitFor('nginx', async () => (await asker.host.exec(['curl', '-sfI', url])).code === 0)

/** Megabytes a second of one call. */
async function rate(words: string[], out: string): Promise<number> {
  rmSync(out, { force: true })
  touchMemory(size)
  const begin = performance.now()
  const { code, all } = await asker.host.exec(words)
  const seconds = (performance.now() - begin) / 1000
  if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}: ${all}`)
  return size / 1e6 / seconds
}

const out = join(asker.pacman.cache, `${item.file}.part`)
const xfer = [lab.program, '--config', asker.node.config, `${mirror.url}/lab/${item.file}`, out]
const rates: Record<'curl' | 'pacsrv', number[]> = { curl: [], pacsrv: [] }
for (let round = 0; round < rounds; round++) {
  rates.curl.push(await rate(['curl', '-sf', '-o', out, url], out))
  rates.pacsrv.push(await rate(xfer, out))
  asker.node.signal('SIGTERM')
  await waitFor('the end of the daemon', () => asker.node.daemons().length === 0)
  for (const name of readdirSync(asker.node.spool)) rmSync(join(asker.node.spool, name), { recursive: true })
  await asker.node.start()
  await asker.node.until('the holder', ({ peers }) => peers.length > 0)
}
const [curl, pacsrv] = [median(rates.curl), median(rates.pacsrv)]
console.log(`| ${link}, ${size / 1024 ** 2} MiB, medians of ${rounds} | MB/s |`)
console.log('| --- | --- |')
console.log(`| nginx to curl | ${curl.toFixed(1)} |`)
console.log(`| a peer to pacsrv | ${pacsrv.toFixed(1)} |`)
console.log(`| ratio | ${(pacsrv / curl).toFixed(3)} |`)
lab.close()
process.exit(0)
