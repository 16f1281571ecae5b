/**
 * What one call by pacman costs: `npm run build && node --import tsx bench/invocation.ts [ROUNDS]` (60).
 * Rivals take turns in one run; medians, in ms.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BARE_ENVIRONMENT } from '../test/e2e/commands.ts'
import { makePackage, makePackages } from '../test/e2e/packages.ts'
import { createLoopback, median } from './loopback.ts'

const rounds = Number(process.argv[2] ?? 60)
const item = makePackage({ name: 'small', size: 30_000 })
/** What a neighbour has, one a round: each is new to anna. */
const near = makePackages(Array.from({ length: rounds }, (_, n) => ({ name: `near${n}`, size: 30_000 })))
const lab = await createLoopback([item, ...near])
await lab.mirror.behave([{ path: 'near', delay: 60 }])
await lab.add('bob', near)
const { node, pacman, host } = await lab.add('anna', [])
const url = `${lab.server}/${item.file}`
const out = join(pacman.cache, `${item.file}.part`)
const empty = join(host.folder, 'empty.cjs')
const alone = join(host.folder, 'alone.conf')
const ordinary = join(host.folder, 'ordinary.conf')
const open = join(host.folder, 'open')
writeFileSync(empty, '')
mkdirSync(open)
chmodSync(open, 0o777)
const nobodyThere = `[server]\nsocket = ${host.folder}/none.sock\n`
writeFileSync(alone, `${nobodyThere}[client]\nstart = no\n`)
writeFileSync(ordinary, nobodyThere)
const theirs = join(open, `${item.file}.part`)
const asNobody = ['setpriv', '--reuid', 'nobody', '--clear-groups']
const curl = ['curl', '-sf', '-o', out]

const NEAR = 'pacsrv-xfer, the same size, a neighbour has it, not read ahead'
const rivals: Record<string, string[]> = {
  "curl's start: the same file over the same socket": [
    ...curl,
    '--unix-socket',
    node.socket,
    `http://localhost/${new URL(url).pathname.slice(1)}`,
  ],
  'pacsrv-xfer, a file that is ready': [lab.program, '--config', node.config, url, out],
  [NEAR]: [],
  'an empty Node program': ['node', empty],
  'curl alone from the mirror': [...curl, url],
  'pacsrv-xfer, no daemon, start = no': [lab.program, '--config', alone, url, out],
  'curl alone, by an ordinary user': [...asNobody, 'curl', '-sf', '-o', theirs, url],
  'pacsrv-xfer, by an ordinary user, who may start none': [
    ...asNobody,
    lab.program,
    '--config',
    ordinary,
    url,
    theirs,
  ],
}

function run(command: string[]): number {
  for (const file of [out, theirs]) rmSync(file, { force: true })
  const begin = performance.now()
  const { status, stderr } = spawnSync(command[0]!, command.slice(1), {
    env: BARE_ENVIRONMENT,
    encoding: 'utf8',
  })
  const took = performance.now() - begin
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}: ${stderr}`)
  return took
}

run(rivals['pacsrv-xfer, a file that is ready']!)
if (!readFileSync(out).equals(readFileSync(item.path))) throw new Error('the file is not right')
const times: Record<string, number[]> = {}
for (let round = 0; round < rounds; round++) {
  for (const [name, command] of Object.entries(rivals)) {
    const { file } = near[round]!
    const fresh = [lab.program, '--config', node.config, `${lab.server}/${file}`, out]
    times[name] ??= []
    times[name].push(run(name === NEAR ? fresh : command))
  }
}
console.log(`| what | median of ${rounds}, ms |\n| --- | --- |`)
for (const [name, values] of Object.entries(times)) console.log(`| ${name} | ${median(values).toFixed(1)} |`)

const { totals } = await node.status()
console.log(`| of what the neighbour had, from the mirror | ${totals.fromMirror} bytes |`)

const { pid } = (await node.status()).node
const CALLS = 50
const one = rivals['pacsrv-xfer, a file that is ready']!
const series = (command: string[]) => {
  const begin = performance.now()
  for (let call = 0; call < CALLS; call++) run(command)
  return (performance.now() - begin) / 1000
}
const without = series(rivals['pacsrv-xfer, no daemon, start = no']!)
process.kill(pid, 'SIGSTOP')
const hung = series(one)
process.kill(pid, 'SIGCONT')
console.log(`| ${CALLS} files, a hung daemon; without one | ${hung.toFixed(2)} s; ${without.toFixed(2)} s |`)
process.exit(0)
