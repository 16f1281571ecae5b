import type { PacsrvError } from '../base/error.ts'

/**
 * What a mirror's answer to the question for one file means: the one rule of the daemon, of CacheServer and of the
 * front's script, into which build.js writes it.
 */
export type MirrorAnswer =
  /** The file. */
  | 'right'
  /** The mirror says that it has no such file. Another may: it may be a day older or newer. */
  | 'absent'
  /** It gives us nothing: who we are, whence we come, or a proxy that wants a password. */
  | 'refused'
  /** It or its gateway can't at the moment. */
  | 'busy'
  /** Cut off, or nothing that makes sense. */
  | 'broken'
  /** Nobody is there, or silent. */
  | 'unreachable'
  /** Other bytes than the file's: a login page, say. */
  | 'wrong'
  /** This machine's own fault: no room, no curl. */
  | 'ours'

/** curl's exit status ('EXIT CODES' in curl(1)), and that of the answer (HTTP's or FTP's, 0 without one). */
export interface Outcome {
  exitCode: number
  status: number
}

/** The first row that fits. A row of neither fits everything. Digits may be `?`. */
const TABLE: { answer: MirrorAnswer; exits?: number[]; statuses?: string[] }[] = [
  { answer: 'right', exits: [0] },
  /** No room or no permission to write, no memory, no curl. */
  { answer: 'ours', exits: [2, 23, 26, 27, 126, 127] },
  { answer: 'unreachable', exits: [5, 6, 7, 28, 35, 52, 56, 97] },
  { answer: 'wrong', exits: [63] },
  { answer: 'absent', exits: [37, 78] },
  { answer: 'absent', statuses: ['404', '410', '550'] },
  { answer: 'busy', statuses: ['408', '421', '425', '429', '5??'] },
  { answer: 'refused', statuses: ['4??'] },
  { answer: 'refused', exits: [9, 60, 67] },
  { answer: 'broken' },
]

export function answerOf({ exitCode, status }: Outcome): MirrorAnswer {
  const fits = (pattern: string) => new RegExp(`^${pattern.replaceAll('?', '\\d')}$`).test(`${status}`)
  const row = TABLE.find(
    ({ exits, statuses }) =>
      (exits === undefined || exits.includes(exitCode)) && (statuses === undefined || statuses.some(fits)),
  )
  return row?.answer ?? 'broken'
}

/** The same of an error: `mismatch`, or `mirror` with what came as its cause. */
export function answerIn({ code, cause }: PacsrvError): MirrorAnswer {
  if (code === 'mismatch') return 'wrong'
  const { exitCode = 22, status = 0 } = (cause ?? {}) as Partial<Outcome>
  return answerOf({ exitCode, status })
}

/** Whether to ask the next mirror: another one may have it. */
export const asksNext = (answer: MirrorAnswer): boolean => answer !== 'right' && answer !== 'ours'

/** Whether the mirror is asked last for a while, rather than that this file is not there. */
export const isDown = (answer: MirrorAnswer): boolean => answer === 'unreachable' || answer === 'busy'

/** The same table as a function of sh: `meaning EXIT STATUS` sets `$answer`. */
export function answersForShell(): string {
  const patterns = ({ exits, statuses }: (typeof TABLE)[number]) =>
    (exits ?? ['*']).flatMap((exit) => (statuses ?? ['*']).map((status) => `${exit}-${status}`))
  const cases = TABLE.map((row) => `\t${patterns(row).join(' | ')}) answer=${row.answer} ;;`)
  return ['meaning() {', '\tcase $1-$2 in', ...cases, '\tesac', '}'].join('\n')
}

/** The front's script with the table in place of its line for it. */
export function withAnswers(script: string): string {
  const place = /^meaning\(\) .*$/m
  if (!place.test(script)) throw new Error('the script has no line for the answers')
  return script.replace(place, () => answersForShell())
}
