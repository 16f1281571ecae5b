import uPlot from 'uplot'
import { humanSize } from '../base/progress.ts'

/** The plot of what came and went, by day. */
export interface Plot {
  /** Draws what the table has now. */
  draw(): void
}

const HEIGHT = 220
/** Steps of the axis: powers of two, so that they are round as bytes are counted here. */
const STEPS = Array.from({ length: 50 }, (_, n) => 2 ** n)
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Draws `table`'s columns into `place`: what came as bars on top of each other, what was given below the line. */
export function createPlot(place: HTMLElement, table: HTMLElement): Plot {
  let drawn: uPlot | undefined

  function read() {
    const rows = [...table.querySelectorAll('tbody tr')]
    const days = rows.map((row) => row.querySelector('time')?.dateTime ?? '')
    const bytes = rows.map((row) => [...row.querySelectorAll('data')].map(({ value }) => Number(value)))
    return { days, bytes }
  }

  function draw() {
    drawn?.destroy()
    drawn = undefined
    const { days, bytes } = read()
    const style = getComputedStyle(place)
    const colour = (name: string) => style.getPropertyValue(name).trim()
    const column = (of: (row: number[]) => number) => bytes.map(of)
    // Each bar is drawn over the one before, which is higher by what it stands for.
    const series = [
      { colour: '--mirror', values: column(([site = 0, world = 0, mirror = 0]) => site + world + mirror) },
      { colour: '--world', values: column(([site = 0, world = 0]) => site + world) },
      { colour: '--site', values: column(([site = 0]) => site) },
      { colour: '--given', values: column(([, , , given = 0]) => -given) },
    ]
    const all = series.flatMap(({ values }) => values)
    const range: [number, number] = [Math.min(0, ...all), Math.max(1, ...all)]
    const paths = uPlot.paths.bars!({ size: [0.7, 40] })
    drawn = new uPlot(
      {
        width: place.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        padding: [8, 8, 0, 0],
        scales: { x: { time: false, range: [-0.6, days.length - 0.4] }, y: { range: () => range } },
        axes: [
          {
            stroke: colour('--quiet'),
            grid: { show: false },
            ticks: { show: false },
            values: (_, splits) => splits.map((at) => dayName(days[at])),
            incrs: [1, 7, 14],
            space: 60,
          },
          {
            stroke: colour('--quiet'),
            grid: { stroke: colour('--line'), width: 1 },
            ticks: { show: false },
            incrs: STEPS,
            values: (_, splits) => splits.map((at) => humanSize(Math.abs(at)).replace('.0', '')),
            size: 70,
          },
        ],
        series: [
          {},
          ...series.map(({ colour: name }) => ({
            fill: colour(name),
            stroke: colour(name),
            width: 0,
            paths,
            points: { show: false },
          })),
        ],
      },
      [days.map((_, at) => at), ...series.map(({ values }) => values)],
      place,
    )
  }

  new ResizeObserver(() => {
    if (drawn && place.clientWidth !== drawn.width)
      drawn.setSize({ width: place.clientWidth, height: HEIGHT })
  }).observe(place)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw)

  return { draw }
}

function dayName(day: string | undefined): string {
  const [, month = '', date = ''] = day?.split('-') ?? []
  return day === undefined ? '' : `${Number(date)} ${MONTHS[Number(month) - 1]}`
}
