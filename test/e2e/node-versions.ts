import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { attempt } from './commands.ts'
import { labCache } from './packages.ts'

/**
 * The folder of another Node's official program, as npm has it; undefined where it can't be had. Fetched once a machine,
 * 40 MB each.
 */
export function nodeFolder(major: number): string | undefined {
  const name = `node-linux-${process.arch}`
  const folder = join(labCache(), `node-${major}`)
  const bin = join(folder, 'node_modules', name, 'bin')
  if (existsSync(folder)) return bin
  const stage = `${folder}.${process.pid}`
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefix', stage]
  attempt('npm', 'install', ...options, `${name}@${major}`)
  const staged = join(stage, 'node_modules', name, 'bin/node')
  const works = attempt(staged, '--version').startsWith(`v${major}.`)
  if (works) renameSync(stage, folder)
  rmSync(stage, { recursive: true, force: true })
  return works ? bin : undefined
}
