/** The flowers the classifier learns from: R. A. Fisher's Iris measurements (1936, public domain). */
import { readFile } from 'node:fs/promises'

/** Labelled measurements. `labels[i]` is the index into `classes` of `rows[i]`. */
export interface Dataset {
  /** Centimetres: sepal length, sepal width, petal length, petal width. */
  readonly rows: readonly (readonly number[])[]
  readonly labels: readonly number[]
  readonly classes: readonly string[]
}

/** How many numbers describe one flower. */
export const FEATURES = 4

/** Reads the `iris.csv` that lies beside this file: 150 flowers of three species. */
export async function loadIris(): Promise<Dataset> {
  return parseIris(await readFile(new URL('./iris.csv', import.meta.url), 'utf8'))
}

/**
 * Parses comma-separated measurements: `#` lines are comments, then one header line, then four
 * numbers and a species per line. Classes are numbered in the order they first appear.
 * @throws Error naming the line that is not of this form.
 */
export function parseIris(csv: string): Dataset {
  const lines = csv.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const rows: number[][] = []
  const labels: number[] = []
  const classes: string[] = []
  for (const line of lines.slice(1)) {
    const cells = line.trim().split(',')
    const species = cells[FEATURES]
    const row = cells.slice(0, FEATURES).map(Number)
    if (cells.length !== FEATURES + 1 || !species || !row.every(Number.isFinite)) {
      throw new Error(`not four numbers and a species: "${line}"`)
    }
    if (!classes.includes(species)) classes.push(species)
    rows.push(row)
    labels.push(classes.indexOf(species))
  }
  return { rows, labels, classes }
}

/**
 * Splits off every fifth flower, so that accuracy can be measured on flowers never trained on.
 * The file is ordered by species, so each species gives a fifth of its own.
 */
export function holdOut(dataset: Dataset): { training: Dataset; heldOut: Dataset } {
  const pick = (keep: (index: number) => boolean): Dataset => ({
    rows: dataset.rows.filter((_, i) => keep(i)),
    labels: dataset.labels.filter((_, i) => keep(i)),
    classes: dataset.classes,
  })
  return { training: pick((i) => i % 5 !== 4), heldOut: pick((i) => i % 5 === 4) }
}
