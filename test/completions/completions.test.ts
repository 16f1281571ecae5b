import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { completions } from '../../completions/completions.ts'
import { commandOptions, commands, commonOptions } from '../../src/cli/commands.ts'

const names = Object.keys(commands).sort()
const shown = Object.keys(commonOptions).map((option) => `--${option}`)

/** A folder with the scripts, and a pacman that lists packages; it's where the shells run. */
let folder: string
test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'pacsrv-completions-'))
  for (const { path, script } of completions()) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), script)
  }
  mkdirSync(join(folder, 'bin'))
  writeFileSync(
    join(folder, 'bin/pacman'),
    '#!/bin/sh\n[ "$*" = -Slq ] && printf "%s\\n" zlib zlib-ng acl\n',
    { mode: 0o755 },
  )
  writeFileSync(join(folder, 'some.conf'), '')
  writeFileSync(join(folder, '.zshrc'), ZSHRC)
})
test.after(() => rmSync(folder, { recursive: true }))

const scriptOf = (shell: string) =>
  join(folder, completions().find(({ path }) => path.startsWith(shell))!.path)

function shell(command: string, script: string): string[] {
  const { stdout, stderr } = spawnSync(command, [...(command === 'fish' ? ['-N'] : []), '-c', script], {
    cwd: folder,
    env: { PATH: `${folder}/bin:${process.env.PATH}`, HOME: folder, LC_ALL: 'C.UTF-8', TERM: 'dumb' },
    encoding: 'utf8',
    timeout: 20_000,
  })
  assert.is(stderr, '')
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .sort()
}

/** What is offered where `line` ends. */
type Complete = (line: string) => string[]

const bash: Complete = (line) =>
  shell(
    'bash',
    `source ${scriptOf('bash')}
     COMP_LINE='${line}' COMP_POINT=${line.length}
     $(complete -p pacsrv-xfer | sed 's/.*-F \\([^ ]*\\).*/\\1/') 2>/dev/null
     printf '%s\\n' "\${COMPREPLY[@]}"`,
  )

/** fish gives a tab and the description behind each. */
const fish: Complete = (line) =>
  shell('fish', `source ${scriptOf('fish')}; complete -C '${line}'`).map((each) => each.split('\t')[0]!)

/** Prints each match instead of offering it; what only sorts matches passes. */
const ZSHRC = `PS1= RPS1=
fpath=(zsh/site-functions $fpath); autoload -U compinit; compinit -C
compadd() {
  if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return; fi
  local -a all; builtin compadd -O all "$@"; (( \${#all} )) && print -l "" "=\${^all[@]}"; return 1
}
list-matches() { zle complete-word; print; print DONE }
zle -N list-matches; bindkey "^A" list-matches; print READY
`

/** A zsh in a terminal of another, where a key lists what there is. */
const zsh: Complete = (line) =>
  shell(
    'zsh',
    `zmodload zsh/zpty; zpty z zsh -i; zpty -r z out '*READY*'
     zpty -w -n z '${line}'$'\x01'; zpty -r z out '*DONE*'; print -r -- $out`,
  ).flatMap((each) => /^=(.*?)\r*$/.exec(each)?.[1] ?? [])

const has = (command: string) => spawnSync(command, ['-c', 'true']).status === 0

for (const [command, complete, offersOptions] of [
  ['bash', bash, true],
  ['fish', fish, false],
  ['zsh', zsh, false],
] as const) {
  const here = has(command)
  if (!here) console.log(`skipped: ${command} completes: no ${command} here`)
  const testHere = here ? test : test.skip

  testHere(`${command}: every command is offered first`, () => {
    assert.equal(complete('pacsrv-xfer '), offersOptions ? [...shown, ...names].sort() : names)
    assert.equal(complete('pacsrv-xfer st'), ['status'])
    assert.equal(complete('pacsrv-xfer --config some.conf st'), ['status'])
  })

  testHere(`${command}: options of their own, and none twice`, () => {
    for (const name of names) {
      const { options }: { options: string[] } = commands[name as keyof typeof commands]
      const offered = complete(`pacsrv-xfer ${name} --`).filter((option) => !shown.includes(option))
      assert.equal(
        offered,
        options.map((option) => `--${option}`),
        name,
      )
    }
    for (const option of shown) assert.ok(complete('pacsrv-xfer --').includes(option), option)
  })

  testHere(`${command}: find takes the packages of the sync databases`, () => {
    assert.equal(complete('pacsrv-xfer find a'), ['acl'])
    assert.equal(complete('pacsrv-xfer find zlib'), ['zlib', 'zlib-ng'])
  })

  testHere(`${command}: --config and the file to write are files`, () => {
    assert.equal(
      complete('pacsrv-xfer --config so').map((path) => basename(path)),
      ['some.conf'],
    )
    assert.equal(
      complete('pacsrv-xfer http://m/x so').map((path) => basename(path)),
      ['some.conf'],
    )
  })
}

test('all options of all commands are in every script', () => {
  for (const { path, script } of completions()) {
    for (const option of [...Object.keys(commandOptions), ...Object.keys(commonOptions)]) {
      assert.match(script, new RegExp(`(--|-l )${option}\\b`), path)
    }
  }
})

test.run()
