import { parseArgs } from 'node:util'
import { PacsrvError } from '../base/error.ts'
import { type CommandName, commandOptions, commands, commonOptions } from './commands.ts'

/** The words after `pacsrv-xfer`, as far as it knows them. */
export interface CommandLine {
  values: {
    config?: string
    help?: boolean
    version?: boolean
    json?: boolean
    watch?: boolean
    listen?: string
  }
  words: string[]
}

/** Throws PacsrvError `usage`. */
export function parseCommandLine(args: string[]): CommandLine {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { ...commonOptions, ...commandOptions },
    })
    return { values, words: positionals }
  } catch (error) {
    throw usage(problemOf(error as Error & { code?: string }))
  }
}

/** node:util's own sentences are for who wrote the program. */
function problemOf({ code, message }: Error & { code?: string }): string {
  const option = /'(?:-\w, )?(--?[^\s'=]+)/.exec(message)?.[1] ?? ''
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return `there is no option ${option}`
  const known = { ...commonOptions, ...commandOptions }[option.slice(2) as keyof typeof commonOptions]
  if (code !== 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE' || !known) return message
  return 'value' in known ? `${option} needs a value: ${option} ${known.value}` : `${option} takes no value`
}

export const isCommand = (word: string): word is CommandName => Object.hasOwn(commands, word)

/** Throws PacsrvError `usage` where the table of commands has no such line. */
export function checkWords(word: CommandName, rest: string[], values: CommandLine['values']): void {
  const { operands, options }: { operands: string[]; options: string[] } = commands[word]
  const missing = operands[rest.length]
  if (missing !== undefined) throw usage(`${word} needs a ${missing}`, word)
  if (rest.length > operands.length) throw usage(`"${rest[operands.length]}" is one word too many`, word)
  const stray = Object.keys(commandOptions).find(
    (name) => Object.hasOwn(values, name) && !options.includes(name),
  )
  if (stray !== undefined) throw usage(`--${stray} doesn't go with ${word}`, word)
}

export function usage(problem: string, command?: CommandName): PacsrvError {
  return new PacsrvError('usage', `${problem}; see pacsrv-xfer ${command ? `${command} ` : ''}--help`)
}
