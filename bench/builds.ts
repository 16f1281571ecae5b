/**
 * Which builds a bench compares: this folder's dist/, and the dist/ folders named by `--dist DIR` (repeatable) or
 * PACSRV_DIST (several divided by colons), in turns within each round.
 */
import { cpSync, existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

export interface Build {
  /** For a table's row; '' when only one build runs. */
  label: string
  /** Its dist/. */
  folder: string
}

const OWN = join(import.meta.dirname, '../dist')

/** Takes `--dist DIR` out of `words`, this process's own by default, so that what is left is the bench's own. */
export function takeBuilds(words = process.argv): Build[] {
  const folders = (process.env.PACSRV_DIST ?? '').split(':').filter(Boolean)
  for (let at = words.indexOf('--dist'); at >= 0; at = words.indexOf('--dist')) {
    const [, folder] = words.splice(at, 2)
    if (!folder) throw new Error('--dist needs a folder')
    folders.push(folder)
  }
  for (const folder of [OWN, ...folders])
    if (!existsSync(join(folder, 'pacsrv-xfer')))
      throw new Error(`${folder} is no build: run \`npm run build\`, or name another dist/ by --dist`)
  const others = folders.map((folder, n) => ({
    label: `build ${String.fromCharCode('B'.charCodeAt(0) + n)}`,
    folder: resolve(folder),
  }))
  return [{ label: others.length > 0 ? 'this build' : '', folder: OWN }, ...others]
}

/** `lab` with another program: a copy, as if installed, which every user may read. */
export function withBuild<T extends { folder: string; program: string }>(
  lab: T,
  { label, folder }: Build,
): T {
  const copy = join(lab.folder, `dist-${label.replaceAll(' ', '-')}`)
  if (!existsSync(copy)) cpSync(folder, copy, { recursive: true })
  return { ...lab, program: join(copy, 'pacsrv-xfer') }
}

/** A row's name: what, and which build where there are several. */
export const named = (what: string, { label }: Build) => (label ? `${what}, ${label}` : what)
