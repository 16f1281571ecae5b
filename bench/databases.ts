/**
 * The first package after `pacman -Sy`, and what the daemon's memory is then: 15,000 packages in three databases of
 * Arch's shape, new ones on the mirror since the daemon read the last, and `pacman -Syw` of three packages of 30 KB.
 * `npm run build && node --import tsx bench/databases.ts [--rounds N] [--rest SECONDS] [--dist DIR]…` (5; 20); needs
 * root, ip and pacman. Other builds take turns with this one (builds.ts).
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { createLab } from '../test/e2e/lab.ts'
import { createMirror } from '../test/e2e/mirror.ts'
import { createNode } from '../test/e2e/node.ts'
import { makePackages, type Package, seededBytes } from '../test/e2e/packages.ts'
import { createPacman } from '../test/e2e/pacman.ts'
import { tarEnd, tarEntry } from '../test/pacman/make.ts'
import { type Build, named, takeBuilds, withBuild } from './builds.ts'
import { daemonCpu, peakMemory } from './cpu.ts'
import { median } from './loopback.ts'
import { head, row } from './table.ts'

/** As many as Arch has, by repository. */
const COUNTS = { core: 300, extra: 14_400, multilib: 300 }
/** proc(5): involuntary switches aside, a wake-up is a voluntary one. */
const WAKES = /^voluntary_ctxt_switches:\s+(\d+)/m

const builds = takeBuilds()
const { values } = parseArgs({ options: { rounds: { type: 'string' }, rest: { type: 'string' } } })
const rounds = Number(values.rounds ?? 5)
const restSeconds = Number(values.rest ?? 20)
const wanted = makePackages([0, 1, 2].map((n) => ({ name: `wanted${n}`, size: 30_000 })))

/** Notes when each call of XferCommand began and ended. */
const TIMED = `#!/bin/bash
log=$1; shift
begin=$EPOCHREALTIME
"$@"
code=$?
echo "$begin $EPOCHREALTIME $*" >> "$log"
exit $code
`

/** A description with all that Arch's have, signature included: about 1.1 KB. */
function describe(name: string, day: number, item?: Package): string {
  const bytes = seededBytes(name, 450)
  const sha256 = createHash('sha256').update(name).digest('hex')
  const fields = {
    FILENAME: item?.file ?? `${name}-${day}.0-1-x86_64.pkg.tar.zst`,
    NAME: name,
    BASE: name,
    VERSION: item?.version ?? `${day}.0-1`,
    DESC: `What ${name} does, in a line about as long as those of Arch are`,
    CSIZE: item?.size ?? 10_000 + (bytes.readUInt32LE(0) % 10_000_000),
    ISIZE: item?.installedSize ?? 50_000 + (bytes.readUInt32LE(4) % 50_000_000),
    MD5SUM: sha256.slice(0, 32),
    SHA256SUM: item?.sha256 ?? sha256,
    PGPSIG: bytes.toString('base64'),
    URL: `https://example.org/${name}/`,
    LICENSE: 'GPL',
    ARCH: 'x86_64',
    BUILDDATE: 1_700_000_000 + day,
    PACKAGER: 'Somebody of Arch <somebody@archlinux.example>',
    ...(item ? {} : { DEPENDS: 'glibc\ngcc-libs\nzlib', MAKEDEPENDS: 'meson\nninja' }),
  }
  return Object.entries(fields)
    .map(([key, value]) => `%${key}%\n${value}\n\n`)
    .join('')
}

function database(repository: string, count: number, day: number): Buffer {
  const names = Array.from({ length: count }, (_, n) => `${repository}-package-${n}`)
  const all: [string, string][] = names.map((name) => [`${name}-${day}.0-1`, describe(name, day)])
  if (repository === 'extra')
    all.push(
      ...wanted.map((item): [string, string] => [`${item.name}-1.0-1`, describe(item.name, day, item)]),
    )
  const entries = all.flatMap(([folder, desc]) => [
    tarEntry(`${folder}/`, '', { type: '5' }),
    tarEntry(`${folder}/desc`, desc),
  ])
  return gzipSync(Buffer.concat([...entries, tarEnd]))
}

const repositories = Object.entries(COUNTS)
/** Yesterday's and today's, by file name. */
const days = [1, 2].map(
  (day) => new Map(repositories.map(([name, count]) => [`${name}.db`, database(name, count, day)])),
)

const statusOf = (pid: number) => readFileSync(`/proc/${pid}/status`, 'utf8')
const memoryOf = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(statusOf(pid))![1]) / 1000

async function measure(build: Build) {
  const lab = createLab()
  const own = withBuild(lab, build)
  const mirror = await createMirror(lab.host('mirror'))
  mirror.publish('extra', wanted)
  const serve = (files: Map<string, Buffer>) => {
    for (const [file, content] of files) {
      const folder = join(mirror.folder, file.slice(0, -'.db'.length))
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, file), content)
    }
  }
  serve(days[1]!)
  const host = lab.host('asker')
  const node = createNode(own, host, join(host.folder, 'pacman.conf'))
  const log = join(host.folder, 'times')
  const script = join(host.folder, 'timed')
  writeFileSync(script, TIMED, { mode: 0o755 })
  const pacman = createPacman(host, {
    repositories: Object.fromEntries(repositories.map(([name]) => [name, [`${mirror.url}/${name}`]])),
    options: [`XferCommand = ${script} ${log} ${node.xferCommand}`],
  })
  await node.start()
  await sleep(3_000)
  const [pid] = node.daemons() as [number]
  const without = memoryOf(pid)
  const yesterdayNoon = Date.now() / 1000 - 86_400
  for (const [file, content] of days[0]!) {
    writeFileSync(join(pacman.sync, file), content)
    utimesSync(join(pacman.sync, file), yesterdayNoon, yesterdayNoon)
  }
  await pacman.run(['-Sp', wanted[0]!.name])
  await sleep(5_000)
  const yesterday = memoryOf(pid)

  const cpu = daemonCpu(node)
  const outcome = await pacman.run(['-Syw', ...wanted.map(({ name }) => name)])
  if (outcome.code !== 0) throw new Error(outcome.all)
  const after = { memory: memoryOf(pid), cpu: daemonCpu(node) - cpu }
  const calls = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.includes('.pkg.tar'))
    .map((line) => line.split(' ').slice(0, 2).map(Number) as [number, number])
    .map(([begin, end]) => (end - begin) * 1000)
  const peak = peakMemory(pid)

  await sleep(30_000)
  const wakes = () => Number(WAKES.exec(statusOf(pid))![1])
  const rest = { cpu: daemonCpu(node), wakes: wakes() }
  await sleep(restSeconds * 1000)
  const idle = {
    cpu: (100 * (daemonCpu(node) - rest.cpu)) / restSeconds,
    wakes: (wakes() - rest.wakes) / restSeconds,
  }
  const later = memoryOf(pid)
  rmSync(log)
  lab.close()
  return {
    first: calls[0]!,
    second: calls[1]!,
    third: calls[2]!,
    without,
    yesterday,
    after: after.memory,
    cpu: after.cpu,
    peak,
    later,
    idleCpu: idle.cpu,
    idleWakes: idle.wakes,
  }
}

type Figures = Awaited<ReturnType<typeof measure>>
const found = new Map<string, Figures[]>()
for (let round = 0; round < rounds; round++)
  for (const build of builds) {
    const name = named('pacsrv', build)
    found.set(name, [...(found.get(name) ?? []), await measure(build)])
  }

head(
  `15,000 packages in the databases, medians of ${rounds}`,
  'ms of the front: first package after -Sy; second; third',
  'MB before any database; with yesterday’s; after -Sy and the packages; half a minute later; most',
  'CPU s of the daemon for -Sy and the packages',
  'at rest: % of a core; wake-ups a second of the main thread',
)
for (const [name, runs] of found) {
  const of = (key: keyof Figures, digits: number) => median(runs.map((run) => run[key])).toFixed(digits)
  const all = (digits: number, ...keys: (keyof Figures)[]) => keys.map((key) => of(key, digits)).join('; ')
  row(
    name,
    all(0, 'first', 'second', 'third'),
    all(1, 'without', 'yesterday', 'after', 'later', 'peak'),
    all(2, 'cpu'),
    `${of('idleCpu', 2)}; ${of('idleWakes', 1)}`,
  )
}
process.exit(0)
