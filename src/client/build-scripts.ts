/** Puts the front's scripts into a folder as they are installed. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withAnswers } from '../mirror/answers.ts'

const folder = dirname(fileURLToPath(import.meta.url))

export function buildScripts(output: string): void {
  const write = (name: string, text: string, mode: number) => {
    writeFileSync(join(output, name), text)
    chmodSync(join(output, name), mode)
  }
  const source = (name: string) => readFileSync(join(folder, `${name}.sh`), 'utf8')
  const [head = '', rest = ''] = source('pacsrv-mirrors').split(/^\. .*pacsrv-repository"$/m)
  write(
    'pacsrv-mirrors',
    withAnswers(head + source('pacsrv-repository').replace(/^#!.*\n/, '') + rest),
    0o755,
  )
}
