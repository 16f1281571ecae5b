/** The manual pages: man/*.md, with what commands.ts and etc/pacsrv.conf say in place of `{{commands}}` and so on. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type CommandName,
  commandOptions,
  commands,
  commonOptions,
  spelling,
  synopsis,
} from '../src/cli/commands.ts'
import { keysAsMarkdown } from './conf.ts'
import { type Page, page } from './roff.ts'

const root = join(import.meta.dirname, '..')

/** All pages of `version`, dated `date` (YYYY-MM-DD). */
export function manualPages({ version, date }: { version: string; date: string }): Page[] {
  return readdirSync(join(root, 'man'))
    .filter((name) => name.endsWith('.md'))
    .map((name) =>
      page(filled(readFileSync(join(root, 'man', name), 'utf8')), { date, source: `pacsrv ${version}` }),
    )
}

function filled(text: string): string {
  const inserts: Record<string, () => string> = {
    commands: () => names.map((name) => commandEntry(name)).join('\n\n'),
    options: () =>
      Object.entries({ ...commonOptions, ...commandOptions })
        .map(optionEntry)
        .join('\n\n'),
    keys: () => keysAsMarkdown(readFileSync(join(root, 'etc/pacsrv.conf'), 'utf8')),
  }
  return text.replace(/^\{\{(\w+)\}\}$/gm, (_, name: string) => inserts[name]!())
}

const names = Object.keys(commands) as CommandName[]

function commandEntry(name: CommandName): string {
  const { summary, text } = commands[name]
  return `${styled(synopsis(name))}\n: ${sentence(summary)}\n${text}`
}

function optionEntry([name, option]: [string, Parameters<typeof spelling>[1]]): string {
  return `${styled(spelling(name, option))}\n: ${sentence(option.summary)}`
}

/** What is typed as it stands in bold, what stands for something else in italics. */
function styled(text: string): string {
  return text.replace(/[A-Z]{2,}(?::[A-Z]+)?|[-\w]+/g, (word) =>
    /^[A-Z]{2}/.test(word) ? `*${word}*` : `**${word}**`,
  )
}

const sentence = (summary: string) => `${summary[0]!.toUpperCase()}${summary.slice(1)}.`
