/** Lines in pacman's own style (its callback.c, draw_pacman_progress_bar). Loaded by the lean client. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** Bytes as pacman prints them: scaled until at most 2048. */
function humanize(bytes: number): [number, string] {
  let value = bytes
  let unit = 0
  while (value > 2048 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return [value, UNITS[unit]!]
}

/** Bytes for a sentence: `1.2 MiB`. */
export function humanSize(bytes: number): string {
  const [value, unit] = humanize(bytes)
  return `${unit === 'B' ? value : value.toFixed(1)} ${unit}`
}

export interface Progress {
  name: string
  /** Bytes so far. */
  done: number
  /** Bytes in all. */
  size: number
  /** Milliseconds since the start. */
  elapsed: number
}

/** Below this pacman's line would wrap: only name, size and percent are shown. */
const NARROW = 60

/** One state of the bar, without `\r` or `\n`, never wider than `columns`. */
export function progressLine({ name, done, size, elapsed }: Progress, columns: number): string {
  const label = name.replace(/\.pkg\.tar(\.\w+)?$/, '')
  const percent = size > 0 ? Math.floor((done * 100) / size) : 100
  const [doneValue, doneUnit] = humanize(done)
  const amount = `${doneValue.toFixed(1).padStart(6)} ${doneUnit.padStart(3)}`
  if (columns < NARROW) {
    return ` ${fit(label, columns - 19)} ${amount} ${String(percent).padStart(3)}%`.slice(0, columns)
  }
  const infoWidth = Math.max(50, Math.floor((columns * 6) / 10))
  const rate = elapsed > 0 ? (done * 1000) / elapsed : 0
  const seconds = done >= size ? elapsed / 1000 : rate > 0 ? (size - done) / rate : Number.POSITIVE_INFINITY
  const [rateValue, rateUnit] = humanize(rate)
  const digits = rateValue < 9.995 ? 2 : rateValue < 99.95 ? 1 : 0
  const speed = `${rateValue.toFixed(digits).padStart(4)} ${rateUnit.padStart(3)}/s`
  const line = ` ${fit(label, infoWidth - 30)} ${amount}  ${speed} ${time(seconds)}`
  return `${line}${bar(percent, columns - infoWidth)}`.slice(0, columns)
}

function fit(label: string, width: number): string {
  if (label.length <= width) return label.padEnd(width)
  return width > 6 ? `${label.slice(0, width - 3)}...` : label.slice(0, Math.max(0, width))
}

function time(seconds: number): string {
  const minutes = Math.floor(seconds / 60)
  if (!(minutes < 100)) return '--:--'
  return `${String(minutes).padStart(2, '0')}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`
}

function bar(percent: number, width: number): string {
  const length = width - 8
  const filled = Math.floor((percent * length) / 100)
  const hashes = length > 0 ? ` [${'#'.repeat(filled)}${'-'.repeat(length - filled)}]` : ''
  return width > 5 ? `${hashes} ${String(percent).padStart(3)}%` : ''
}

/** Where a file's bytes came from, in one line for a pipe or a log. */
export function sourcesLine(
  name: string,
  from: { fromPeers: number; fromMirror: number; peers: number },
): string {
  if (from.fromPeers + from.fromMirror === 0) return `${name}: had come before`
  const peers = `${from.peers} ${from.peers === 1 ? 'peer' : 'peers'}`
  return `${name}: ${humanSize(from.fromPeers)} from ${peers}, ${humanSize(from.fromMirror)} from the mirror`
}
