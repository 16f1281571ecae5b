/** What pacman's users see while packages come: pacman's own lines, also of files that are ready. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Lab, scenario } from './lab.ts'
import { createLone } from './lone.ts'
import { createPacman } from './pacman.ts'
import { inside, trixieFolder } from './trixie.ts'

/** Sizes and speeds, which depend on the machine and its compressors, are `9`. */
const masked = (line: string) =>
  line
    .replace(/ +[\d.]+ KiB/, ' 9.9 KiB')
    .replace(/ {2} *[\d.]+ +(?:[KMG]i)?B\/s \d\d:\d\d/, '  9.99 KiB/s 99:99')

const LINES = {
  80: [
    ' lib+c++-1:2.0~rc1... 9.9 KiB  9.99 KiB/s 99:99 [######################] 100%',
    ' pack-1.0-1-x86_64 9.9 KiB  9.99 KiB/s 99:99 [######################] 100%',
  ],
  40: [' lib+c++-1:2.0~rc1-... 9.9 KiB 100%', ' pack-1.0-1-x86_64 9.9 KiB 100%'],
}

async function progress(lab: Lab, columns: 80 | 40, words: string[] = [], options: string[] = []) {
  const { mirror, host, node, server } = await createLone(lab)
  const pacman = createPacman(host, {
    repositories: { lab: [server] },
    options: [`XferCommand = ${node.xferCommand}`, ...options],
    inside: words,
  })
  await node.start()
  const inTerminal = async () => {
    for (const name of readdirSync(pacman.cache)) rmSync(join(pacman.cache, name), { recursive: true })
    const command = `stty cols ${columns} rows 24; exec pacman --config '${pacman.config}' --noconfirm -Sw pack lib+c++`
    const outcome = await host.exec([...words, 'script', '-qec', command, '/dev/null'])
    assert.is(outcome.code, 0, outcome.all)
    const shown = outcome.stdout.replaceAll(/\x1b\[[0-9;?]*[A-Za-z]/g, '').split(/\r?\n/)
    const states = shown.flatMap((line) => line.split('\r')).filter((state) => /\d%\s*$/.test(state))
    for (const state of states) assert.ok([...state].length <= columns, state)
    return shown.map((line) => line.split('\r').at(-1)!).filter((line) => /100%$/.test(line))
  }
  assert.equal((await inTerminal()).map(masked).sort(), LINES[columns])
  await mirror.clearLog()
  assert.equal((await inTerminal()).map(masked).sort(), LINES[columns])
  const asked = (await mirror.log()).filter(({ path }) => path.endsWith('.zst'))
  assert.equal(asked, [], 'the files were not ready')
}

for (const columns of [80, 40] as const) {
  scenario(`pacman 6 on ${columns} columns`, (lab) => progress(lab, columns))
  scenario(
    `pacman 7 on ${columns} columns`,
    (lab) => progress(lab, columns, inside(trixieFolder(), lab.folder), ['DownloadUser = alpm']),
    ['debootstrap'],
  )
}

test.run()
